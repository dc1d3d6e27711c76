import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PreviewEntry } from '../../api/generated/types.gen';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { ChangePage } from './change-page';

interface Editor {
  value: string;
  label: string;
  onChange?: (text: string) => void;
  notes?: { code: string; text: string }[];
}
vi.mock('../../ui/code/code', () => ({
  Code: ({ value, label, onChange, notes = [] }: Editor) => (
    <>
      <textarea aria-label={label} value={value} onChange={(e) => onChange?.(e.target.value)} readOnly={!onChange} />
      {notes.map((note) => (
        <p key={note.code}>note {note.code}</p>
      ))}
    </>
  ),
}));

const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'default', name: 'reviews' };
const yaml = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: default
spec:
  hosts: [reviews]
  http:
  - name: by-version # keep
    route:
    - destination: { host: reviews, subset: v1 }
`;
const service = {
  namespace: 'default',
  name: 'reviews',
  host: 'reviews.default.svc.cluster.local',
  ports: [{ number: 9080, protocol: 'HTTP', endpoints: 1, ready: 1 }],
  workloads: ['reviews-v1', 'reviews-v2'],
  addresses: [],
  external: false,
  headless: false,
};
const version = (v: string) => ({ version: v, labels: { version: v }, subset: v, workloads: [], pods: 1, ready: 1 });
const preview = {
  blocked: false,
  refused: false,
  written: [{ ref, before: yaml, after: 'changed\n' }],
  findings: { added: [], gone: [], kept: 0 },
  groups: [],
  settings: [],
  requests: null,
};

let previews: { entries: PreviewEntry[] }[];
let tries: { url: string; from: string; headers: Record<string, string> }[];
let puts: { entries: PreviewEntry[] }[];
let live: ReturnType<typeof fakeLive>;
let found: (text: string) => object[];
let foundThen: object;

beforeEach(() => {
  sessionStorage.clear();
  previews = [];
  puts = [];
  tries = [];
  found = () => [];
  foundThen = {};
  live = fakeLive();
});
afterEach(() => vi.unstubAllGlobals());

function show(at: string, text = yaml) {
  fakeApi({
    'GET /api/v1/services': [service],
    'GET /api/v1/services/default/reviews': service,
    'GET /api/v1/services/default/reviews/split': {
      service: {},
      versions: [version('v1'), version('v2')],
      candidates: [{ id: 'a', kind: 'mesh', ref, route: 0, matches: [], weights: { v1: 100, v2: 0 } }],
      preselected: 'a',
    },
    'GET /api/v1/config/VirtualService/default/reviews': { ref, yaml: text, etag: 'e1' },
    'GET /api/v1/workloads': [
      { uid: '1', namespace: 'default', pod: 'productpage-x', workload: 'productpage', meshed: true, ready: true },
      {
        uid: '2',
        namespace: 'default',
        pod: 'ingress-x',
        workload: 'ingress',
        meshed: true,
        ready: true,
        gateway: true,
      },
    ],
    'POST /api/v1/preview': (body: unknown) => {
      previews.push(body as (typeof previews)[number]);
      return { ...preview, ...foundThen };
    },
    'POST /api/v1/check': (body: unknown) => {
      const { manifests } = body as { manifests: { file: string; text: string }[] };
      return {
        findings: manifests.flatMap(({ file, text }) => found(text).map((f) => ({ ...f, file }))),
        documents: [],
        cannotTell: [],
      };
    },
    'GET /api/v1/schemas/VirtualService': { properties: {} },
    'POST /api/v1/try': (body: unknown) => {
      tries.push(body as (typeof tries)[number]);
      return {
        before: {
          route: 0,
          requestHeaders: {},
          responseHeaders: {},
          clusters: [{ cluster: 'outbound|9080|v1|reviews.default', percent: 100, known: true }],
        },
        after: {
          route: 0,
          requestHeaders: {},
          responseHeaders: {},
          timeout: 2e9,
          host: 'old.shop.test',
          path: '/new',
          clusters: [{ cluster: 'outbound|9080|v2|reviews.default', percent: 100, known: true }],
        },
      };
    },
    'PUT /api/v1/changes': (body: unknown) => {
      puts.push(body as (typeof puts)[number]);
      return { change: { id: '9' }, findings: [] };
    },
  });
  return renderPage(ChangePage, { path: '/change', at });
}

const objects = { 'VirtualService/default/reviews': { ref, etag: 'e1', state: 'ok', services: ['default/reviews'] } };

test('service, intention, details, review, apply', async () => {
  signedIn('operator');
  const { address } = show('/change');
  await userEvent.click(await screen.findByRole('button', { name: /reviews/ }));
  await userEvent.click(await screen.findByRole('button', { name: /Time-out and retry Callers/ }));
  await live.tell('objects', objects);
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  await userEvent.type(screen.getByLabelText('Retries'), '2');
  await userEvent.click(screen.getAllByRole('button', { name: 'Review' }).at(-1) as HTMLElement);
  const editor = (await screen.findByLabelText(/VirtualService default\/reviews, YAML/)) as HTMLTextAreaElement;
  expect(editor.value).toContain('by-version # keep');
  expect(editor.value).toContain('    timeout: 2s\n    retries:\n      attempts: 2\n');
  expect(screen.getByText('The caller waits 2s in all.')).toBeDefined();
  await waitFor(() => expect(previews.at(-1)?.entries[0]?.etag).toBe('e1'));

  await userEvent.click(screen.getByRole('button', { name: 'Ask' }));
  const after = (await screen.findByText('After')).parentElement as HTMLElement;
  expect(within(after).getByText(/v2 100/)).toBeDefined();
  expect(within(after).getByText('as old.shop.test/new')).toBeDefined();
  expect(tries).toMatchObject([{ url: 'http://reviews.default.svc.cluster.local:9080/', from: 'productpage-x' }]);

  const apply = screen.getByRole('button', { name: 'Apply' }) as HTMLButtonElement;
  await waitFor(() => expect(apply.disabled).toBe(false));
  await userEvent.click(apply);
  await waitFor(() => expect(address()).toBe('/changes/9'));
  expect(puts[0]?.entries[0]?.yaml).toBe(editor.value);
});

test('the form follows the text, and nothing typed is lost', async () => {
  signedIn('operator');
  const at = '/change?service=default%2Freviews&intent=resilience&step=details';
  const { unmount } = show(at);
  await live.tell('objects', objects);
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  await userEvent.click(screen.getAllByRole('button', { name: 'Review' }).at(-1) as HTMLElement);
  const editor = (await screen.findByLabelText(/reviews, YAML/)) as HTMLTextAreaElement;
  await userEvent.clear(editor);
  await userEvent.paste(yaml.replace('# keep', '# keep\n    timeout: 4s'));
  expect(await screen.findByText('The caller waits 4s in all.')).toBeDefined();
  unmount();
  live = fakeLive();
  show(at);
  await live.tell('objects', objects);
  expect(((await screen.findByLabelText('Time-out')) as HTMLInputElement).value).toBe('4s');
});

test('a mistake stands at its field and keeps from going on', async () => {
  signedIn('operator');
  const { address } = show('/change?service=default%2Freviews&intent=resilience&step=details');
  await live.tell('objects', objects);
  const field = await screen.findByLabelText('Time-out');
  await userEvent.type(field, '2 s');
  await userEvent.click(screen.getAllByRole('button', { name: 'Review' }).at(-1) as HTMLElement);
  expect(field.getAttribute('aria-invalid')).toBe('true');
  const said = document.getElementById(field.getAttribute('aria-describedby') ?? '');
  expect(said?.textContent).toContain('A time with its unit');
  expect(address()).toContain('step=details');
  expect(previews).toHaveLength(0);
});

test('a rule of a gateway is tried from the gateway, by its own host', async () => {
  signedIn('operator');
  show('/change?service=default%2Freviews&intent=resilience&step=details');
  await live.tell('objects', objects);
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  await userEvent.click(screen.getAllByRole('button', { name: 'Review' }).at(-1) as HTMLElement);
  const editor = (await screen.findByLabelText(/reviews, YAML/)) as HTMLTextAreaElement;
  await userEvent.clear(editor);
  await userEvent.paste(yaml.replace('hosts: [reviews]', 'hosts: [www.shop.test]\n  gateways: [shop]'));
  await userEvent.click(screen.getByRole('button', { name: 'Ask' }));
  await screen.findByText('After');
  expect(tries.map(({ url, from }) => ({ url, from }))).toEqual([{ url: 'http://www.shop.test/', from: 'ingress-x' }]);
  await userEvent.selectOptions(screen.getByLabelText('Caller'), 'from productpage');
  await userEvent.click(screen.getByRole('button', { name: 'Ask' }));
  await waitFor(() => expect(tries).toHaveLength(2));
  expect(tries[1]?.url).toBe('http://reviews.default.svc.cluster.local:9080/');
});

test('who takes the only value away in the editor stays in the editor', async () => {
  signedIn('operator');
  show('/change?service=default%2Freviews&intent=resilience&step=details');
  await live.tell('objects', objects);
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  await userEvent.click(screen.getAllByRole('button', { name: 'Review' }).at(-1) as HTMLElement);
  const editor = (await screen.findByLabelText(/reviews, YAML/)) as HTMLTextAreaElement;
  const typed = editor.value.replace('timeout: 2s', 'timeout:');
  await userEvent.clear(editor);
  await userEvent.paste(typed);
  expect((screen.getByLabelText(/reviews, YAML/) as HTMLTextAreaElement).value).toBe(typed);
  await waitFor(() => expect(previews.at(-1)?.entries[0]?.yaml).toBe(typed));
});

const reviewButton = () => screen.getAllByRole('button', { name: 'Review' }).at(-1) as HTMLElement;

test('a rule for some requests is said as what it is, and is not the one for all', async () => {
  signedIn('operator');
  const post = yaml.replace('- name: by-version # keep', '- match: [{ method: { exact: POST }, port: 80 }]');
  show('/change?service=default%2Freviews&intent=resilience&step=details', post);
  await live.tell('objects', objects);
  const which = (await screen.findByLabelText('Rule')) as HTMLSelectElement;
  expect(which.value).toBe('new');
  await userEvent.selectOptions(which, 'Rule 1: the method is POST and the port is 80');
  await userEvent.type(screen.getByLabelText('Time-out'), '2s');
  await userEvent.click(reviewButton());
  expect(await screen.findByText('Requests to reviews where the method is POST and the port is 80.')).toBeDefined();
});

test('what a rule does by hand is told beside the form, and refused where the form would undo it', async () => {
  signedIn('operator');
  show('/change?service=default%2Freviews&intent=mirror&step=details', `${yaml}    mirror: { host: audit }\n`);
  await live.tell('objects', objects);
  expect(await screen.findByText('A copy goes to audit.')).toBeDefined();
  await userEvent.selectOptions(screen.getByLabelText('A copy goes to'), 'v2');
  await userEvent.click(reviewButton());
  expect(screen.getByText(/^The rule copies its requests to another service\./)).toBeDefined();
  expect(previews).toHaveLength(0);
});

test('a form that was begun for a rule that is gone begins anew', async () => {
  signedIn('operator');
  const at = '/change?service=default%2Freviews&intent=resilience&step=details';
  const two = yaml.replace('  - name:', '  - match: [{ port: 80 }]\n    name: first\n  - name:');
  const { unmount } = show(at, two);
  await live.tell('objects', objects);
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  expect((screen.getByLabelText('Rule') as HTMLSelectElement).value).toBe('1');
  unmount();
  live = fakeLive();
  show(at);
  await live.tell('objects', objects);
  expect(((await screen.findByLabelText('Rule')) as HTMLSelectElement).value).toBe('0');
});

test('an answer is of the text and the question that stand there', async () => {
  signedIn('operator');
  show('/change?service=default%2Freviews&intent=resilience&step=details');
  await live.tell('objects', objects);
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  await userEvent.click(reviewButton());
  const ask = async () => userEvent.click(await screen.findByRole('button', { name: 'Ask' }));
  const host = screen.getByLabelText('Host and port') as HTMLInputElement;
  await waitFor(() => expect(host.value).toBe('reviews.default.svc.cluster.local:9080'));
  await userEvent.type(screen.getByLabelText('Headers'), 'X-Team: blue, green{Enter}cookie: a=b');
  await ask();
  await screen.findByText('After');
  expect(tries.at(-1)?.headers).toEqual({ 'x-team': 'blue, green', cookie: 'a=b' });
  const editor = screen.getByLabelText(/reviews, YAML/) as HTMLTextAreaElement;
  await userEvent.type(editor, '# more');
  await waitFor(() => expect(screen.queryByText('After')).toBeNull());
  await ask();
  await screen.findByText('After');
  await userEvent.clear(host);
  await userEvent.type(host, 'elsewhere.test:81');
  expect(screen.queryByText('After')).toBeNull();
  await ask();
  await screen.findByText('After');
  expect(tries.at(-1)?.url).toBe('http://elsewhere.test:81/');
});

test('what is found stands in the text and beside it, with its fix; the steps say what they hold', async () => {
  signedIn('operator');
  const finding = {
    code: 'HDL9',
    severity: 'warning',
    phase: 'check',
    ref,
    path: 'spec.http[0].timeout',
    message: 'm',
  };
  found = (text) => {
    const from = text.indexOf('timeout: 2s');
    const splices = [{ from, to: from + 11, insert: 'timeout: 3s' }];
    const fix = [{ op: 'set', path: finding.path, value: '3s' }];
    return from < 0 ? [] : [{ ...finding, documentLine: 1, line: 1, sameAs: [], splices, fix }];
  };
  const proxies = [{ uid: '1', id: 'a', workload: 'a', namespace: 'default', rps: 1, refusing: false }];
  foundThen = {
    findings: { added: [finding], gone: [], kept: 0 },
    groups: [{ id: 'g', proxies, resources: { added: 0, changed: 1, removed: 0 }, bytes: 1, types: [] }],
  };
  show('/change?service=default%2Freviews&intent=resilience&step=details');
  await live.tell('objects', objects);
  const health = {
    state: 'failing',
    since: '2026-01-01T13:54:00Z',
    atLeast: false,
    reasons: [{ code: 'errors', share: 0.246 }],
  };
  await live.tell('graph', { 'n:a': { id: 'a', namespace: 'default', name: 'reviews', health } });
  expect(await screen.findByText(/^24\.6.%/)).toBeDefined();
  await userEvent.type(await screen.findByLabelText('Time-out'), '2s');
  await userEvent.type(screen.getByLabelText('Retries'), '2');
  await screen.findByRole('button', { name: 'Details 2s; 2 retries' });
  await userEvent.click(reviewButton());
  await screen.findByText('note HDL9');
  await screen.findByRole('button', { name: 'Review 1 finding, 1 proxy' });
  await userEvent.click(await screen.findByRole('button', { name: 'Use 3s' }));
  expect((screen.getByLabelText(/reviews, YAML/) as HTMLTextAreaElement).value).toContain('timeout: 3s');
  await waitFor(() => expect(screen.queryByText('note HDL9')).toBeNull());
  expect(screen.queryByRole('button', { name: 'Use 3s' })).toBeNull();
});
