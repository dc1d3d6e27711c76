import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { AxeBuilder } from '@axe-core/playwright';
import { type APIRequestContext, type APIResponse, test as base, expect, type Page } from '@playwright/test';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

function named(variable: string): string {
  const value = process.env[variable];
  if (!value) {
    throw new Error(`${variable} is not set: global-setup did not run`);
  }
  return value;
}

/** The mesh that all specs share. */
export const mesh = {
  console: () => named('HEDDLE_UI_CONSOLE'),
  gateway: () => named('HEDDLE_UI_GATEWAY'),
  state: () => named('HEDDLE_UI_STATE'),
  /** The port of the trace store's queries. */
  traces: () => Number(named('HEDDLE_UI_TRACES')),
  admin: () => ({ username: 'admin', password: named('HEDDLE_UI_PASSWORD') }),
};

/** Runs `heddle ARGS` against the mesh, as its owner, and gives what it printed. */
export async function heddle(args: string[], input?: string): Promise<string> {
  const running = run(resolve(root, 'bin/heddle'), [...args, '--state', mesh.state()], { maxBuffer: 16 << 20 });
  if (input !== undefined) {
    running.child.stdin?.end(input);
  }
  return (await running).stdout;
}

/** One user's way to the API, besides the browser. Reads and writes as that user may. */
export class Api {
  private readonly request: APIRequestContext;

  private constructor(request: APIRequestContext) {
    this.request = request;
  }

  static async signIn(request: APIRequestContext, who: { username: string; password: string }): Promise<Api> {
    const answer = await request.post(`${mesh.console()}/api/v1/session`, {
      data: who,
      headers: { Origin: mesh.console() },
    });
    expect(answer.status(), await answer.text()).toBe(200);
    return new Api(request);
  }

  get(path: string): Promise<APIResponse> {
    return this.request.get(`${mesh.console()}/api/v1${path}`);
  }

  send(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, data?: unknown): Promise<APIResponse> {
    return this.request.fetch(`${mesh.console()}/api/v1${path}`, {
      method,
      headers: { Origin: mesh.console() },
      ...(data === undefined ? {} : { data }),
    });
  }

  async json<T>(path: string): Promise<T> {
    const answer = await this.get(path);
    expect(answer.status(), `${path}: ${await answer.text()}`).toBe(200);
    return (await answer.json()) as T;
  }
}

/** Types name and password into the sign-in page and sends them. */
export async function enter(page: Page, who: { username: string; password: string }): Promise<void> {
  await page.getByLabel(/^(Name|User|Username|用户名)/).fill(who.username);
  await page.getByLabel(/^(Password|密码)/).fill(who.password);
  await page.keyboard.press('Enter');
}

/** Waits until the page has drawn something newer than it shows now. */
export async function fresh(page: Page): Promise<void> {
  const drawn = page.locator('#root');
  const before = Number(await drawn.getAttribute('data-revision'));
  await expect.poll(async () => Number(await drawn.getAttribute('data-revision'))).toBeGreaterThan(before);
}

/** What axe finds wrong with the page, a line each. */
export async function accessibility(page: Page): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  // In this mode results are gathered in the page itself: there are no frames, and another page for it takes time.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(tags).analyze();
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} (${n.failureSummary ?? ''})`));
}

/**
 * Elements whose text does not fit them, unless they are marked as cut on purpose or can be
 * scrolled. What is one pixel wide is only for screen readers.
 */
export function cutTexts(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('body *')]
      .filter((e) => {
        const overflow = getComputedStyle(e).overflowX;
        return (
          e.clientWidth > 1 &&
          e.scrollWidth > e.clientWidth + 1 &&
          (overflow === 'hidden' || overflow === 'clip') &&
          e.closest('[data-ellipsis], .cut, .vh, .uplot, .cm-editor') === null
        );
      })
      .map((e) => `${e.tagName}.${e.className}: ${(e.textContent ?? '').slice(0, 60)}`),
  );
}

export type Theme = 'light' | 'dark';
export type Language = 'en' | 'zh';

/** Makes the console look so from its first paint. */
export async function prefer(page: Page, theme: Theme, language: Language): Promise<void> {
  await page.addInitScript(
    ([t, l]) =>
      localStorage.setItem('heddle.preferences', JSON.stringify({ state: { theme: t, language: l }, version: 0 })),
    [theme, language] as const,
  );
}

interface Fixtures {
  /** The administrator's way to the API. */
  api: Api;
  /** What the browser's console may complain about: what the spec breaks on purpose. */
  mayComplain: RegExp | undefined;
  /** A page of the signed-in administrator. The spec fails when its console complains. */
  admin: Page;
}

/** Lets the page's cookie be that of somebody's session. */
export async function signIn(
  page: Page,
  who: { username: string; password: string },
  at = mesh.console(),
): Promise<void> {
  const answer = await page.request.post(`${at}/api/v1/session`, { data: who, headers: { Origin: at } });
  expect(answer.status(), await answer.text()).toBe(200);
}

export const test = base.extend<Fixtures>({
  api: async ({ playwright }, use) => {
    const request = await playwright.request.newContext();
    await use(await Api.signIn(request, mesh.admin()));
    await request.dispose();
  },
  mayComplain: [undefined, { option: true }],
  admin: async ({ page, mayComplain }, use) => {
    const complaints: string[] = [];
    page.on('console', (said) => said.type() === 'error' && complaints.push(`${said.text()} ${said.location().url}`));
    page.on('pageerror', (problem) => complaints.push(String(problem)));
    await signIn(page, mesh.admin());
    await use(page);
    expect(complaints.filter((line) => !mayComplain?.test(line))).toEqual([]);
  },
});

export { expect };
