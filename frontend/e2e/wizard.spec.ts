import type { Locator, Page } from '@playwright/test';
import { arrived, echoHost, echoRef, startEcho, stopEcho, writeEcho } from './echo';
import { paste } from './editor';
import { Api, expect, mesh, test } from './mesh';
import { isThere, removeRule, ruleText } from './rule';
import { ask, askOften } from './visitors';

const rule = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: echo
  namespace: default
spec:
  hosts: [${echoHost}]
  gateways: [bookinfo-gateway]
  http:
    - name: everybody # and nobody else
      route:
        - destination: {host: echo}
`;

const visit = (asked: Omit<Parameters<typeof ask>[0], 'host'> = {}) => ask({ host: echoHost, ...asked });

/** Who answers so many requests. */
async function names(times: number, asked: Omit<Parameters<typeof ask>[0], 'host'> = {}): Promise<string[]> {
  return (await askOften(times, { host: echoHost, ...asked })).map((said) => arrived(said).name);
}

/** An intention: what is typed wrong and what it says to that, what is typed right, and what is seen then. */
interface Case {
  what: string;
  intent: string;
  wrong: (form: Locator) => Promise<void>;
  said: [label: string, message: string][];
  right: (form: Locator) => Promise<void>;
  seen: () => Promise<void>;
}

/** Requests that are told apart go to v2, and all others where they went before. */
const routed = (
  what: string,
  choice: string,
  wrong: Case['wrong'],
  said: Case['said'],
  right: Case['wrong'],
  asked: Parameters<typeof visit>[0],
): Case => ({
  what: `route by ${what}`,
  intent: 'route',
  wrong: async (form) => {
    await form.getByLabel('Requests', { exact: true }).selectOption(choice);
    await wrong(form);
  },
  said: [...said, ['They go to', 'This is needed.']],
  right: async (form) => {
    await right(form);
    await form.getByLabel('They go to').selectOption('v2');
  },
  seen: async () => {
    expect(new Set(await names(20, asked))).toEqual(new Set(['echo-v2']));
    expect(await names(40)).toContain('echo-v1');
  },
});

const cases: Case[] = [
  {
    what: 'split by version',
    intent: 'split',
    wrong: async (form) => {
      await form.getByLabel('Share of v1, %').fill('130');
    },
    said: [['Share of v1, %', 'A number from 0 to 100.']],
    right: async (form) => {
      await form.getByLabel('Share of v1, %').fill('70');
      await form.getByLabel('Share of v2, %').fill('20');
      await expect(form.getByText('The shares must add up to 100.')).toBeVisible();
      await form.getByLabel('Share of v2, %').fill('30');
    },
    seen: async () => {
      const said = await names(400);
      const share = said.filter((name) => name === 'echo-v1').length / said.length;
      expect(Math.abs(share - 0.7), `v1 got ${share}`).toBeLessThanOrEqual(0.1);
    },
  },
  routed(
    'header',
    'with a header',
    (form) => form.getByLabel('Name').fill('x team'),
    [
      ['Name', 'Letters, digits and - only, no spaces.'],
      ['Value', 'This is needed.'],
    ],
    async (form) => {
      await form.getByLabel('Name').fill('x-team');
      await form.getByLabel('Value').fill('blue');
    },
    { headers: { 'x-team': 'blue' } },
  ),
  routed(
    'cookie',
    'with a cookie',
    (form) => form.getByLabel('Value').fill('yes'),
    [['Name', 'This is needed.']],
    (form) => form.getByLabel('Name').fill('beta'),
    { headers: { cookie: 'a=b; beta=yes; c=d' } },
  ),
  routed(
    'path',
    'to a path',
    (form) => form.getByLabel('Value').fill('next'),
    [['Value', 'A path begins with /.']],
    (form) => form.getByLabel('Value').fill('/next'),
    { path: '/next/page' },
  ),
  routed(
    'user',
    'of one user',
    async (form) => {
      await form.getByLabel('Compare').selectOption('matches');
      await form.getByLabel('Value').fill('jas(on');
    },
    [['Value', 'This is no regular expression.']],
    (form) => form.getByLabel('Value').fill('jas(on|per)'),
    { headers: { 'end-user': 'jasper' } },
  ),
  {
    what: 'delay and fail on purpose',
    intent: 'fault',
    wrong: async (form) => {
      await form.getByLabel('Delay').fill('300');
      await form.getByLabel('Answer with status').fill('999');
      await form.getByLabel('Share of requests, %').last().fill('all');
    },
    said: [
      ['Delay', 'A time with its unit, such as 500ms or 2s.'],
      ['Answer with status', 'A status from 200 to 599.'],
    ],
    right: async (form) => {
      await form.getByLabel('Delay').fill('300ms');
      await form.getByLabel('Answer with status').fill('418');
      await form.getByLabel('Share of requests, %').last().fill('50');
    },
    seen: async () => {
      const said = await askOften(100, { host: echoHost });
      // Envoy counts from the beginning of its turn, which lies a little before the request.
      expect(Math.min(...said.map((s) => s.milliseconds))).toBeGreaterThanOrEqual(290);
      const failed = said.filter((s) => s.status === 418).length;
      expect(Math.abs(failed - 50)).toBeLessThanOrEqual(22);
      expect(said.filter((s) => s.status === 200)).toHaveLength(100 - failed);
    },
  },
  {
    what: 'time-out and retry',
    intent: 'resilience',
    wrong: async (form) => {
      await form.getByLabel('Time-out').fill('600ms');
      await form.getByLabel('Time for each try').fill('2s');
    },
    said: [
      ['Time for each try', 'A try may not take longer than the time-out.'],
      ['Retries', 'This is needed.'],
    ],
    right: async (form) => {
      await form.getByLabel('Retries').fill('2');
      await form.getByLabel('Time for each try').fill('');
      await form.getByLabel('Retry on').fill('5xx');
    },
    seen: async () => {
      const late = await visit({ path: '/?delay=3s' });
      expect(late.status).toBe(504);
      expect(late.milliseconds).toBeLessThan(2500);
      const failed = await visit({ path: '/?status=503' });
      expect(failed.status).toBe(503);
      expect(arrived(failed).headers['X-Envoy-Attempt-Count']).toEqual(['3']);
    },
  },
  {
    what: 'redirect',
    intent: 'redirect',
    wrong: async (form) => {
      await form.getByLabel('What').selectOption({ label: 'Redirect: the caller is told to ask elsewhere' });
      await form.getByLabel('Path').fill('elsewhere');
    },
    said: [['Path', 'A path begins with /.']],
    right: async (form) => {
      await form.getByLabel('Path').fill('/elsewhere');
      await form.getByLabel('Host').fill('other.test');
      await form.getByLabel('Status').selectOption('307');
    },
    seen: async () => {
      const said = await visit({ path: '/here' });
      expect(said.status).toBe(307);
      expect(said.headers.location).toBe('http://other.test/elsewhere');
    },
  },
  {
    what: 'rewrite',
    intent: 'redirect',
    wrong: async () => undefined,
    said: [['Path', 'Nothing is set yet.']],
    right: async (form) => {
      await form.getByLabel('Path').fill('/inside');
      await form.getByLabel('Host').fill('inside.test');
    },
    seen: async () => {
      const said = arrived(await visit({ path: '/outside' }));
      expect([said.host, said.path.startsWith('/inside')]).toEqual(['inside.test', true]);
    },
  },
  {
    what: 'headers',
    intent: 'headers',
    wrong: async (form) => {
      await form.getByRole('button', { name: 'Another header' }).click();
      await form.getByLabel('Name').fill('x by');
    },
    said: [
      ['Name', 'Letters, digits and - only, no spaces.'],
      ['Value', 'This is needed.'],
    ],
    right: async (form) => {
      await form.getByLabel('Name').fill('x-by');
      await form.getByLabel('Value').fill('heddle');
      await form.getByRole('button', { name: 'Another header' }).click();
      await form.getByLabel('Of').last().selectOption('response');
      await form.getByLabel('Name').last().fill('x-answer');
      await form.getByLabel('Value').last().fill('yes');
      await form.getByRole('button', { name: 'Another header' }).click();
      await form.getByLabel('What').last().selectOption('remove');
      await form.getByLabel('Name').last().fill('x-secret');
    },
    seen: async () => {
      const said = await visit({ headers: { 'x-secret': '1' } });
      expect(said.headers['x-answer']).toBe('yes');
      const { headers } = arrived(said);
      expect(headers['X-By']).toEqual(['heddle']);
      expect(headers['X-Secret']).toBeUndefined();
    },
  },
];

/** Reviews what is in the form, and waits until it could be applied. */
async function review(page: Page): Promise<void> {
  await page.locator('.cw-foot').getByRole('button', { name: 'Review' }).click();
  await expect(page.getByRole('button', { name: 'Apply', exact: true })).toBeEnabled();
}

/** Applies what is reviewed, and waits until every proxy has it. */
async function apply(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(page).toHaveURL(/\/changes\/\w+/);
  await expect(page.getByText(/^(1 proxy, after|all \d+, the last after) /)).toBeVisible();
}

async function undo(page: Page): Promise<void> {
  const done = page.url();
  await page.getByRole('button', { name: 'Undo this change' }).click();
  await expect(page).not.toHaveURL(done);
  await expect(page.getByText(/^(1 proxy, after|all \d+, the last after) /)).toBeVisible();
}

const asAdmin = async (
  playwright: { request: { newContext: () => Promise<Parameters<typeof Api.signIn>[0]> } },
  work: (api: Api) => Promise<void>,
) => {
  const request = await playwright.request.newContext();
  await work(await Api.signIn(request, mesh.admin()));
  await request.dispose();
};

test.beforeAll(({ playwright }) => asAdmin(playwright, (api) => startEcho(api, rule)));
test.afterAll(({ playwright }) => asAdmin(playwright, stopEcho));
test.afterEach(({ api }) => writeEcho(api, rule));

for (const { what, intent, wrong, said, right, seen } of cases) {
  test(`${what}: a mistake stands at its field, and what is applied is measured`, async ({ admin, api }) => {
    await admin.goto(`/change?service=default%2Fecho&intent=${intent}`);
    const form = admin.locator('.cw-form');
    await wrong(form);
    await admin.locator('.cw-foot').getByRole('button', { name: 'Review' }).click();
    for (const [label, message] of said) {
      await expect(form.getByLabel(label).first()).toHaveAttribute('aria-invalid', 'true');
      await expect(form.getByLabel(label).first()).toHaveAccessibleDescription(message);
    }
    await right(form);
    await review(admin);
    await apply(admin);
    expect(await ruleText(api, 'echo')).toContain('- name: everybody # and nobody else');
    await seen();
    await undo(admin);
    expect(await ruleText(api, 'echo')).toBe(rule);
  });
}

/** How many requests for a path each pod of a service wrote into its log. */
async function logged(api: Api, workload: string, path: string): Promise<number> {
  const pods = await api.json<{ workload: string; namespace: string; pod: string }[]>('/workloads');
  const pod = pods.find((p) => p.workload === workload);
  const log = await (await api.get(`/pods/default/${pod?.pod}/logs?tail=1000`)).text();
  return log.split('\n').filter((line) => line.includes(`path=${path} `)).length;
}

test('mirror, from the first step on: copies arrive, and nobody gets their answers', async ({ admin, api }) => {
  await admin.goto('/change');
  await admin.getByRole('button', { name: /^reviews/ }).click();
  await admin.getByRole('button', { name: /^Mirror/ }).click();
  const form = admin.locator('.cw-form');
  await form.getByLabel('Requests', { exact: true }).selectOption('to a path');
  await form.getByLabel('Value').fill('/reviews/4711');
  await form.getByLabel('Share of requests, %').fill('200');
  await admin.locator('.cw-foot').getByRole('button', { name: 'Review' }).click();
  await expect(form.getByLabel('A copy goes to')).toHaveAccessibleDescription('This is needed.');
  await expect(form.getByLabel('Share of requests, %')).toHaveAccessibleDescription('A number from 0 to 100.');
  await form.getByLabel('A copy goes to').selectOption('v3');
  await form.getByLabel('Share of requests, %').fill('100');
  await review(admin);
  try {
    await apply(admin);
    const said = await askOften(20, { path: '/api/v1/products/4711/reviews' });
    expect(said.map((s) => s.status)).toEqual(Array.from({ length: 20 }, () => 200));
    const answered = said.filter((s) => s.body.includes('"podname":"reviews-v3')).length;
    await expect.poll(() => logged(api, 'reviews-v3', '/reviews/4711')).toBe(20 + answered);
    expect(answered).toBeLessThan(20);
    expect(
      (await logged(api, 'reviews-v1', '/reviews/4711')) + (await logged(api, 'reviews-v2', '/reviews/4711')),
    ).toBe(20 - answered);
    await undo(admin);
    expect(await isThere(api, 'reviews')).toBe(false);
  } finally {
    await removeRule(api, 'reviews');
  }
});

const versions = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo, namespace: default}
spec:
  host: echo
  subsets:
    - {name: v1, labels: {version: v1}}
    - {name: v2, labels: {version: v2}}
`;
const many = `${rule.slice(0, rule.indexOf('    - name'))}    - match: [{uri: {exact: /exact}}]
      route: [{destination: {host: echo, subset: v2}}]
    - match: [{uri: {prefix: /old/}}]
      rewrite: {uri: /new/}
      route: [{destination: {host: echo, subset: v1}}]
    - match: [{uri: {regex: "/item/[0-9]+"}}]
      rewrite: {uriRegexRewrite: {match: "/item/([0-9]+)", rewrite: "/things/\\\\1"}}
      route: [{destination: {host: echo, subset: v2}}]
    - match: [{uri: {prefix: /CASE}, ignoreUriCase: true}]
      route: [{destination: {host: echo, subset: v1}}]
    - match: [{uri: {prefix: /gone}}]
      redirect: {uri: /here, redirectCode: 302}
    - match: [{uri: {prefix: /away}}]
      redirect: {authority: other.test, scheme: https}
    - match: [{uri: {prefix: /broken}}]
      fault: {abort: {httpStatus: 418, percentage: {value: 100}}}
      route: [{destination: {host: echo, subset: v1}}]
    - match: [{uri: {prefix: /still}}]
      directResponse: {status: 451}
    - match: [{uri: {prefix: /inner}}]
      rewrite: {authority: inner.test}
      route: [{destination: {host: echo, subset: v2}}]
    - match: [{method: {exact: DELETE}}]
      directResponse: {status: 405}
    - match: [{headers: {x-team: {exact: blue}}}, {headers: {x-team: {prefix: gr}}}]
      route: [{destination: {host: echo, subset: v2}}]
    - match: [{headers: {cookie: {regex: "^(.*?;)?\\\\s*(beta=yes)(;.*)?$"}}}]
      route: [{destination: {host: echo, subset: v2}}]
    - match: [{queryParams: {v: {exact: "2"}}}]
      route: [{destination: {host: echo, subset: v2}}]
    - match: [{uri: {prefix: /only}, withoutHeaders: {x-not: {}}}]
      route: [{destination: {host: echo, subset: v1}}]
    - match: [{uri: {prefix: /}}]
      name: everybody
      route:
        - destination: {host: echo, subset: v1}
          weight: 40
        - destination: {host: echo, subset: v2}
          weight: 60
`;
const tried: [method: string, path: string, headers?: Record<string, string>][] = [
  ['GET', '/'],
  ['GET', '/exact'],
  ['GET', '/exactly'],
  ['POST', '/old/shop?x=1'],
  ['GET', '/old'],
  ['GET', '/item/42'],
  ['GET', '/item/none'],
  ['GET', '/case/x'],
  ['GET', '/CasE'],
  ['GET', '/gone/long'],
  ['PUT', '/away/x?y=z'],
  ['GET', '/broken'],
  ['GET', '/still'],
  ['GET', '/inner/x'],
  ['DELETE', '/any'],
  ['GET', '/any', { 'x-team': 'blue' }],
  ['GET', '/any', { 'x-team': 'green' }],
  ['GET', '/any', { 'x-team': 'Blue' }],
  ['GET', '/any', { cookie: 'a=b; beta=yes' }],
  ['GET', '/any?v=2'],
  ['GET', '/any?v=22'],
  ['GET', '/only', { 'x-not': '1' }],
  ['GET', '/only'],
];

/** What the page says of a request, in its own lines. */
async function told(page: Page, [method, path, headers = {}]: (typeof tried)[number]): Promise<string[]> {
  await page.getByLabel('Method').selectOption(method);
  await page.getByLabel('Path', { exact: true }).fill(path);
  await page.getByLabel('Headers').fill(
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  );
  const answered = page.waitForResponse((r) => r.url().endsWith('/api/v1/try'));
  await page.getByRole('button', { name: 'Ask' }).click();
  await answered;
  await expect(page.getByRole('button', { name: 'Ask' })).toBeEnabled();
  return page.locator('.cw-ba > div').last().locator('p').allInnerTexts();
}

test('a request that is tried goes where Envoy sends it', async ({ admin, api }) => {
  const destination = { ...echoRef, kind: 'DestinationRule' };
  const made = await api.send('PUT', '/changes', { entries: [{ ref: destination, yaml: versions }] });
  expect(made.status(), await made.text()).toBe(200);
  try {
    await admin.goto('/change?service=default%2Fecho&intent=redirect');
    await admin.locator('.cw-form').getByLabel('Path').fill('/anything');
    await review(admin);
    const editor = admin.locator('.cm-content');
    await editor.press('ControlOrMeta+a');
    await paste(editor, many);
    await expect(admin.getByRole('button', { name: 'Apply', exact: true })).toBeEnabled();
    await expect(admin.getByLabel('Caller')).toHaveValue(/^ingressgateway/);
    const before: string[][] = [];
    for (const request of tried) {
      before.push(await told(admin, request));
    }
    await apply(admin);
    const kinds = new Set<string>();
    for (const [i, [method, path, headers = {}]] of tried.entries()) {
      const lines = before[i] ?? [];
      const said = await visit({ method, path, headers });
      const where = `${method} ${path} ${JSON.stringify(headers)}: ${lines.join('; ')}`;
      const find = (what: RegExp) => lines.map((line) => what.exec(line.trim())).find((m) => m !== null);
      const redirect = find(/^(\d+) to (\S+)$/);
      const status = find(/^answered with (\d+)$/) ?? find(/^100 % get (\d+)$/);
      if (redirect) {
        kinds.add('redirect');
        expect([said.status, said.headers.location], where).toEqual([Number(redirect[1]), redirect[2]]);
        continue;
      }
      if (status) {
        kinds.add(status[1] ?? '');
        expect(said.status, where).toBe(Number(status[1]));
        continue;
      }
      expect(said.status, where).toBe(200);
      const { name, path: at, host } = arrived(said);
      const shares = lines.flatMap((line) => /^(v\d) (\d+) %/.exec(line.trim())?.[1] ?? []);
      kinds.add(shares.join(' '));
      expect(
        shares.map((version) => `echo-${version}`),
        where,
      ).toContain(name);
      const rewritten = find(/^as (\S+)$/)?.[1] ?? path;
      const wanted = rewritten.startsWith('/') ? echoHost + rewritten : rewritten;
      expect(host + at, where).toBe(wanted.includes('/') ? wanted : wanted + path);
    }
    expect([...kinds].sort()).toEqual(['405', '418', '451', 'redirect', 'v1', 'v2', 'v2 v1']);
    await undo(admin);
    expect(await ruleText(api, 'echo')).toBe(rule);
  } finally {
    await writeEcho(api, rule);
    const gone = await api.send('PUT', '/changes', { entries: [{ ref: destination, etag: '*', delete: true }] });
    expect(gone.status(), await gone.text()).toBe(200);
  }
});
