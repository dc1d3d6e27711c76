import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import {
  accessibility,
  cutTexts,
  expect,
  fresh,
  heddle,
  type Language,
  mesh,
  prefer,
  signIn,
  type Theme,
  test,
} from './mesh';
import { drawn } from './pages';
import { envoyOf } from './processes';
import { Relay } from './relay';
import { removeRule, ruleRef, writeRule } from './rule';
import { type Running, start } from './start';

// What the browser says of answers that do not come, or that say no.
test.use({ mayComplain: /Failed to load resource|WebSocket/ });

const rule = (name: string, seconds: number) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  namespace: default
spec:
  hosts: [details]
  http:
    - timeout: ${seconds}s
      route:
        - destination: {host: details}
`;

const banner = (page: Page) => page.locator('.mesh-banner');

test.describe('stores that are away', () => {
  // Stores are chosen when a mesh starts. This one reads those of the mesh that all specs share,
  // through relays that can be cut.
  let prometheus: Relay;
  let traces: Relay;
  let second: Running;
  // Somebody who begins to edit there, and goes away until the session is over.
  let editing: Page;
  let over: number;

  test.beforeAll(async ({ browser }) => {
    test.setTimeout(90_000);
    prometheus = await new Relay({ path: join(mesh.state(), 'run/heddle.sock') }).mend();
    traces = await new Relay({ host: '127.0.0.1', port: mesh.traces() }).mend();
    second = await start({
      flags: [
        ...['--prometheus-url', `http://${prometheus.address}/prometheus`, '--jaeger-addr', traces.address],
        ...['--pod-range', '10.67.0.0/16', '--service-range', '10.97.0.0/16'],
      ],
      env: { HEDDLE_SESSION_IDLE: '1m' },
      manifests: ['deploy/samples/bookinfo/bookinfo.yaml', 'deploy/samples/bookinfo/destination-rules.yaml'],
    });
    editing = await (await browser.newContext()).newPage();
    await enter(editing);
    await go(editing, '/rules/DestinationRule/default/reviews');
    await editing.locator('.cm-content').click();
    await editing.keyboard.press('ControlOrMeta+End');
    await editing.keyboard.type('# kept');
    const session = await editing.request.get(`${second.console}/api/v1/session`);
    over = Date.parse(((await session.json()) as { idleExpires: string }).idleExpires);
    await editing.context().setOffline(true);
  });

  // What one test cut is whole for the next, also when it failed.
  test.afterEach(async () => {
    await prometheus.mend();
    await traces.mend();
  });

  test.afterAll(async () => {
    await editing?.context().close();
    await second?.stop();
    await prometheus?.cut();
    await traces?.cut();
  });

  const enter = (page: Page) => signIn(page, { username: 'admin', password: second.password }, second.console);
  const go = async (page: Page, path: string) => {
    await page.goto(second.console + path);
    await drawn(page);
  };
  const pages = [
    ...['/', '/topology', '/services', '/services/default/reviews', '/workloads', '/workloads/default/reviews-v1'],
    ...['/traces', '/rules', '/check', '/proxies', '/findings', '/settings'],
  ];

  /** Those whose figures are old then; on the others only the banner is new. */
  const measured = ['/', '/topology', '/services', '/services/default/reviews', '/workloads/default/reviews-v1'];

  test('without Prometheus figures say when they are from, and the rest goes on', async ({ page, browser }) => {
    test.setTimeout(180_000);
    await enter(page);
    await go(page, '/topology');
    const reviews = page.locator('[data-card]').filter({ has: page.getByText('reviews', { exact: true }) });
    await expect(reviews.locator('.figs')).toContainText('rps');
    const cards = await page.locator('[data-card]').count();
    await expect(banner(page)).toHaveCount(0);

    await prometheus.cut();
    await expect(banner(page)).toContainText(/Prometheus does not answer since \d\d:\d\d:\d\d\./);
    await expect(banner(page)).toContainText('Rules, proxies and findings are live.');
    await expect(page.getByText(/^as of \d\d:\d\d:\d\d, /)).toBeVisible();
    // What was there stands, also on pages that open only now.
    await expect(page.locator('[data-card]')).toHaveCount(cards);
    await expect(reviews.locator('.figs')).toContainText('rps');
    await go(page, '/services?window=15m');
    await expect(page.getByRole('link', { name: 'reviews', exact: true })).toBeVisible();

    const looks: [Theme, Language, RegExp][] = [
      ['light', 'en', /Prometheus does not answer since \d\d:\d\d:\d\d\./],
      ['dark', 'zh', /Prometheus 自 \d\d:\d\d:\d\d 起无响应。/],
    ];
    for (const [theme, language, words] of looks) {
      const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1280, height: 720 } });
      const other = await context.newPage();
      await prefer(other, theme, language);
      await enter(other);
      for (const path of pages) {
        await go(other, path);
        await expect(banner(other), path).toContainText(words);
        expect.soft(await cutTexts(other), `${path} ${language}`).toEqual([]);
        if (measured.includes(path)) {
          expect.soft(await accessibility(other), `${path} ${theme}`).toEqual([]);
        }
      }
      await context.close();
    }

    // Rules are written and reach the proxies meanwhile. Looking at all that may take longer than a session lasts here.
    await enter(page);
    const written = await page.request.put(`${second.console}/api/v1/changes`, {
      data: { entries: [{ ref: ruleRef('robust'), yaml: rule('robust', 7) }] },
      headers: { Origin: second.console },
    });
    expect(written.status(), await written.text()).toBe(200);
    const { change } = (await written.json()) as { change: { id: string } };
    await go(page, `/changes/${change.id}`);
    await expect(page.getByText('6 acknowledged, 0 pending, 0 rejected')).toBeVisible();

    await prometheus.mend();
    await go(page, '/topology');
    await expect(banner(page)).toHaveCount(0, { timeout: 30_000 });
    await expect(page.locator('.is-old')).toHaveCount(0);
    await expect(page.locator('[data-card]')).toHaveCount(cards);
  });

  test('without the trace store only traces are missing', async ({ page }) => {
    test.setTimeout(90_000);
    await enter(page);
    await go(page, '/traces');
    await expect(page.locator('main tbody tr').first()).toBeVisible();

    await traces.cut();
    await expect(banner(page)).toContainText(/The trace store does not answer since \d\d:\d\d:\d\d\./);
    await page.reload();
    await expect(page.getByRole('alert').filter({ hasText: 'Traces cannot be read' })).toBeVisible();
    await go(page, '/topology');
    await expect(banner(page)).toContainText('Only traces are missing without it.');
    await expect(page.locator('[data-card]').first()).toBeVisible();
    await expect(page.locator('.is-old')).toHaveCount(0);
    await fresh(page);

    await traces.mend();
    await expect(banner(page)).toHaveCount(0, { timeout: 30_000 });
    await go(page, '/traces');
    await expect(page.locator('main tbody tr').first()).toBeVisible();
  });

  test('who comes back to what was edited when the session is over signs in again, and goes on', async () => {
    test.setTimeout(120_000);
    await expect.poll(Date.now, { timeout: 70_000 }).toBeGreaterThan(over);
    await editing.context().setOffline(false);
    const dialog = editing.getByRole('dialog', { name: 'Sign in to go on' });
    await expect(dialog).toContainText('The text you are editing is kept here');
    await dialog.getByLabel('Password of admin').fill(second.password);
    await editing.keyboard.press('Enter');
    await expect(dialog).toHaveCount(0);
    await expect(editing.locator('.cm-content')).toContainText('# kept');
    await expect(editing.locator('[data-connection="live"]')).toHaveCount(1);
    await editing.getByRole('button', { name: /^Preview/ }).click();
    await expect(editing.getByRole('complementary', { name: 'Preview' })).toBeVisible();
  });
});

test('a database that cannot be written refuses changes, and nothing else', async ({ admin, browser }) => {
  test.setTimeout(90_000);
  const file = join(mesh.state(), 'heddle.db');
  await admin.goto('/rules/VirtualService/default/bookinfo');
  await drawn(admin);
  await chmod(file, 0o400);
  try {
    await expect(banner(admin)).toContainText(/The database cannot be written since \d\d:\d\d:\d\d\./);
    const editor = admin.locator('.cm-content');
    await editor.click();
    await admin.keyboard.press('ControlOrMeta+End');
    await admin.keyboard.type('# refused');
    await admin.getByRole('button', { name: /^Preview/ }).click();
    await admin
      .getByRole('complementary', { name: 'Preview' })
      .getByRole('button', { name: 'Apply', exact: true })
      .click();
    await expect(admin.getByRole('complementary', { name: 'Preview' }).getByRole('alert')).toContainText(/database/);
    await expect(editor).toContainText('# refused');

    const context = await browser.newContext();
    const other = await context.newPage();
    await signIn(other, mesh.admin());
    await other.goto(`${mesh.console()}/`);
    await drawn(other);
    await expect(banner(other)).toContainText('Changes are refused; signing in and reading go on.');
    await expect(other.getByRole('heading', { name: /services are healthy/ })).toBeVisible();
    await fresh(other);
    await context.close();
  } finally {
    await chmod(file, 0o600);
  }
  await expect(banner(admin)).toHaveCount(0, { timeout: 30_000 });
});

const bystander = `apiVersion: apps/v1
kind: Deployment
metadata: {name: bystander, namespace: default}
spec:
  selector: {matchLabels: {app: bystander}}
  template:
    metadata: {labels: {app: bystander}}
    spec:
      containers: [{name: app, command: [heddle-samples], args: [details, --version=v1]}]
`;

test('a proxy that hangs is waited for, and the others go on', async ({ admin, api }) => {
  test.setTimeout(90_000);
  type Known = { id: string; uid: string; settled: boolean };
  const hung = async () => (await api.json<Known[]>('/proxies')).find((p) => p.id.startsWith('bystander-'));
  // A pod that nobody calls, so that nothing fails.
  await heddle(['apply', '-f', '-'], bystander);
  let envoy: number | undefined;
  try {
    await expect.poll(async () => (await hung())?.settled, { timeout: 30_000 }).toBe(true);
    const id = (await hung())?.id ?? '';
    envoy = envoyOf(id.replace(/\.default$/, ''));
    process.kill(envoy, 'SIGSTOP');
    const change = await writeRule(api, 'robust', { yaml: rule('robust', 8) });
    await admin.goto(`/changes/${change}`);
    await drawn(admin);
    await expect(admin.getByText('6 acknowledged, 1 pending, 0 rejected')).toBeVisible();
    const row = admin.getByRole('listitem').filter({ hasText: id });
    await expect(row).toContainText('no answer yet');
    await row.getByRole('link').click();
    await expect(admin.getByText(/^No answer since \d\d:\d\d:\d\d, for /)).toBeVisible();
    await expect(admin.getByText('It goes on with what it had.')).toBeVisible();
    await admin.goto('/proxies?state=waiting');
    await expect(admin.getByRole('row').filter({ hasText: 'bystander' })).toBeVisible();
    await expect(admin.getByText('1 waiting')).toBeVisible();
    process.kill(envoy, 'SIGCONT');
    await admin.goto(`/changes/${change}`);
    await expect(admin.getByText('7 acknowledged, 0 pending, 0 rejected')).toBeVisible();
  } finally {
    if (envoy !== undefined) {
      process.kill(envoy, 'SIGCONT');
    }
    await heddle(['delete', '-f', '-'], bystander);
    await removeRule(api, 'robust');
  }
  await expect.poll(hung, { timeout: 30_000 }).toBeUndefined();
});
