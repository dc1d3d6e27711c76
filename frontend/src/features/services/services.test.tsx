import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sessionStore } from '../../api/session-store';
import { fakeLive } from '../../testing/live';
import { fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { ServicePage } from './service-page';
import { ServicesPage } from './services-page';
import { WorkloadPage } from './workload-page';
import { WorkloadsPage } from './workloads-page';

vi.mock('../../ui/chart/chart', () => ({
  Chart: ({ label, series }: { label: string; series: { label: string }[] }) => (
    <div role="img" aria-label={`${label}: ${series.map((s) => s.label).join(' ')}`} />
  ),
}));
vi.mock('../../ui/code/code', () => ({ Code: ({ value }: { value: string }) => <pre>{value}</pre> }));

const node = (name: string, more: object = {}) => ({
  [`n:${name}`]: {
    id: name,
    kind: 'service',
    name,
    namespace: 'bookinfo',
    rate: 10,
    errorShare: 0,
    unit: 'rps',
    meshed: true,
    pods: { ready: 1, total: 1 },
    health: { state: 'healthy' },
    ...more,
  },
});
const edge = (source: string, target: string, more: object = {}) => ({
  [`e:${source}>${target}`]: {
    id: `${source}>${target}`,
    source,
    target,
    protocol: 'http',
    rate: 10,
    errors: 0,
    errorShare: 0,
    health: { state: 'healthy' },
    ...more,
  },
});
const version = (name: string, more: object = {}) => ({
  version: name,
  workload: `reviews-${name}`,
  namespace: 'bookinfo',
  pods: 1,
  ready: 1,
  share: 0.5,
  rate: 5,
  errorShare: 0,
  ...more,
});
const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' };
const pod = (name: string, more: object = {}) => ({
  uid: name,
  pod: name,
  namespace: 'bookinfo',
  workload: 'reviews-v1',
  app: 'reviews',
  version: 'v1',
  address: '10.0.0.1',
  ready: true,
  meshed: true,
  gateway: false,
  ...more,
});
const points = [[1000, 10]];
const series = {
  start: '2026-11-21T13:00:00Z',
  end: '2026-11-21T14:00:00Z',
  step: 30,
  series: [
    { name: 'requests', unit: '1/s', version: 'v1', points },
    { name: 'requests', unit: '1/s', version: 'v2', points },
    { name: 'p95', unit: 'ms', version: 'v1', points },
  ],
};
const graph = {
  ...node('reviews', { versions: [version('v1'), version('v2', { errorShare: 0.2, state: 'failing' })], rules: [ref] }),
  ...node('ratings', {
    rate: 3,
    errorShare: 0.2,
    health: { state: 'failing', reasons: [{ code: 'http5xx', state: 'failing', share: 0.2, answer: '503' }] },
  }),
  ...node('details', { rate: 0, health: { state: 'idle' } }),
  ...edge('productpage', 'reviews', {
    mutualTLS: 1,
    responses: [
      { code: '200', rate: 9 },
      { code: '503', flags: 'UC', rate: 1 },
    ],
  }),
  ...edge('reviews', 'ratings', { rate: 3 }),
};

let live: ReturnType<typeof fakeLive>;
let api: Record<string, unknown>;
beforeEach(() => {
  signedIn();
  api = {
    'GET /api/v1/services/bookinfo/reviews': {
      name: 'reviews',
      namespace: 'bookinfo',
      host: 'reviews',
      ports: [{ protocol: 'HTTP', number: 9080 }],
      workloads: ['reviews-v1'],
    },
    'GET /api/v1/workloads': [pod('reviews-v1-a'), pod('reviews-v1-b'), pod('ratings-x', { workload: 'ratings-v1' })],
    'GET /api/v1/series': series,
    'GET /api/v1/changes': { items: [] },
  };
  live = fakeLive();
});
afterEach(() => {
  vi.unstubAllGlobals();
  sessionStore.getState().leave();
});

const openService = async (search = '', elements: object = graph) => {
  const asked = fakeApi(api);
  const page = renderPage(ServicePage, {
    path: '/services/$namespace/$name',
    at: `/services/bookinfo/reviews${search}`,
  });
  await live.tell('graph', elements as Record<string, unknown>);
  return { asked, ...page };
};
const names = () =>
  screen
    .getAllByRole('row')
    .slice(1)
    .map((r) => within(r).getAllByRole('link')[0]?.textContent);

test('the list is worst first, and filter, state and sort stand in the address', async () => {
  fakeApi(api);
  const { address } = renderPage(ServicesPage, { path: '/services', at: '/services' });
  await live.tell('graph', graph);
  await screen.findByRole('heading', { level: 1, name: 'Services' });
  expect(names()).toEqual(['ratings', 'details', 'reviews']);
  await userEvent.click(screen.getByRole('button', { name: /Failing 1/ }));
  await waitFor(() => expect(names()).toEqual(['ratings']));
  expect(address()).toContain('state=failing');
  await userEvent.click(screen.getByRole('button', { name: /Failing 1/ }));
  await waitFor(() => expect(names()).toHaveLength(3));
  await userEvent.click(screen.getByRole('button', { name: 'Requests' }));
  await waitFor(() => expect(names()).toEqual(['reviews', 'ratings', 'details']));
  expect(address()).toContain('sort=-rate');
  await userEvent.type(screen.getByRole('textbox', { name: /Filter/ }), 'zzz');
  await screen.findByText('Nothing matches');
  await userEvent.click(screen.getAllByRole('button', { name: 'Clear the filter' }).at(-1) as HTMLElement);
  await waitFor(() => expect(names()).toHaveLength(3));
});

test('workloads have a list of their own', async () => {
  fakeApi(api);
  renderPage(WorkloadsPage, { path: '/workloads' });
  await live.tell('graph', { ...node('reviews-v1', { kind: 'workload' }), ...node('reviews') });
  await screen.findByRole('heading', { level: 1, name: 'Workloads' });
  expect(names()).toEqual(['reviews-v1']);
  expect(screen.getByRole('link', { name: 'reviews-v1' }).getAttribute('href')).toBe('/workloads/bookinfo/reviews-v1');
});

test('an empty mesh has an empty list', async () => {
  fakeApi(api);
  // A window of its own: what other tests followed is kept for a while.
  renderPage(ServicesPage, { path: '/services', at: '/services?window=1m' });
  await live.tell('graph', {});
  await screen.findByText('The mesh has no services yet');
});

test('the service page says who calls, how its versions do, and what stands first', async () => {
  fakeApi(api);
  renderPage(() => <ServicePage Split={({ name }) => <p>split of {name}</p>} />, {
    path: '/services/$namespace/$name',
    at: '/services/bookinfo/reviews',
  });
  await live.tell('graph', graph);
  await screen.findByText('split of reviews');
  await screen.findByText('HTTP 9080');
  await screen.findByRole('img', { name: 'Error share by version, last 1 h: v1 v2' });
  screen.getByRole('figure', { name: 'productpage call reviews; it calls ratings' });
  const row = screen.getByRole('rowheader', { name: 'ratings Failing' }).parentElement as HTMLElement;
  expect(row.textContent).toContain('called by this');
});

test('a tab stands in the address; traffic shows versions and answers with flags in words', async () => {
  const { address } = await openService();
  await userEvent.click(await screen.findByRole('tab', { name: 'Traffic' }));
  await waitFor(() => expect(address()).toContain('tab=traffic'));
  expect(screen.getByRole('link', { name: 'reviews-v2' }).getAttribute('href')).toBe('/workloads/bookinfo/reviews-v2');
  screen.getByText('UC: reviews closed the connection');
});

test('metrics compare versions and keep the range in the address', async () => {
  const { address, asked } = await openService('?tab=metrics');
  await screen.findByRole('img', { name: 'Requests, last 1 h: v1 v2' });
  await userEvent.click(screen.getByRole('switch', { name: 'Compare versions' }));
  await screen.findByRole('img', { name: 'Latency p95, last 1 h: v1' });
  await userEvent.click(screen.getByRole('button', { name: '15 min' }));
  await waitFor(() => expect(address()).toContain('range=15m'));
  expect(asked.some((a) => a.includes('range=15m') && a.includes('step=10s') && a.includes('byVersion=true'))).toBe(
    true,
  );
});

test('effective settings name who decided them', async () => {
  api['GET /api/v1/services/bookinfo/reviews/settings'] = [
    { setting: 'split', value: 'v1 90, v2 10', from: [ref], path: 'spec.http[0].route', line: 7 },
    { setting: 'subset v1', value: 'version=v1', from: null },
    { setting: 'somethingNew', value: 'x', from: [], match: 'path /x' },
  ];
  await openService('?tab=rules');
  const split = (await screen.findByRole('rowheader', { name: 'Split' })).parentElement as HTMLElement;
  expect(within(split).getByRole('link').getAttribute('href')).toBe(
    '/rules/VirtualService/bookinfo/reviews?at=spec.http[0].route',
  );
  within(split).getByText('spec.http[0].route');
  within(split).getByText('line 7');
  screen.getByText('Subset v1');
  screen.getByText('somethingNew');
  screen.getByText('path /x');
  await live.tell('objects', {
    'VirtualService.networking.istio.io/bookinfo/reviews': {
      ref,
      state: 'warning',
      changed: { at: '2026-11-21T13:00:00Z', actor: 'lena' },
    },
  });
  await screen.findByText('warning');
  screen.getByText(/ago by lena/);
  // The object says what it decides, and leads to the line.
  const line = screen.getByRole('link', { name: 'line 7' });
  expect(line.getAttribute('href')).toBe('/rules/VirtualService/bookinfo/reviews?at=spec.http[0].route');
  expect(line.parentElement?.textContent).toBe('Split v1 90, v2 10line 7');
});

test('pods show their proxies, and logs of the application or the proxy are filtered', async () => {
  const log = (text: string) => () => new Response(text);
  const fetched: string[] = [];
  const { address } = await openService('?tab=pods');
  const answer = globalThis.fetch;
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = String(input instanceof Request ? input.url : input);
    if (url.includes('/logs')) {
      fetched.push(url);
      return log(url.includes('container=proxy') ? 'from the proxy\n' : 'GET /reviews 200\nGET /x 503\nend')();
    }
    return answer(input, init);
  });
  await live.tell('proxies', {
    'reviews-v1-a': { uid: 'reviews-v1-a', id: 'reviews-v1-a.bookinfo', refused: [{}], settled: true, rps: 3 },
  });
  const a = (await screen.findByRole('rowheader', { name: 'reviews-v1-a' })).parentElement as HTMLElement;
  within(a).getByRole('link', { name: 'rejected' });
  expect(screen.queryByText('ratings-x')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Logs of reviews-v1-b' }));
  await screen.findByText('GET /reviews 200');
  await screen.findByText('The log ended here.');
  screen.getByText('end');
  expect(address()).toContain('pod=reviews-v1-b');
  await userEvent.type(screen.getByRole('textbox', { name: 'Only lines with' }), '503');
  await screen.findByText('1 of 3 lines');
  expect(screen.queryByText('GET /reviews 200')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Proxy' }));
  await screen.findByText('No line has 503.');
  expect(fetched.at(-1)).toContain('/api/v1/pods/bookinfo/reviews-v1-b/logs?tail=1000&container=proxy&follow=true');
});

test('a log that cannot be read says why', async () => {
  await openService('?tab=pods');
  api['GET /api/v1/pods/bookinfo/reviews-v1-a/logs'] = new Refusal(503, {
    title: 'x',
    detail: 'no local cluster answers',
  });
  await screen.findByText('The log cannot be read');
});

test('traces are of its application', async () => {
  api['GET /api/v1/traces'] = [
    {
      id: 'abc',
      start: '2026-11-21T13:00:00.104Z',
      durationNanos: 412e6,
      errors: 1,
      spanCount: 4,
      services: [],
      spans: [{ operation: 'GET /productpage' }],
    },
  ];
  const { asked } = await openService('?tab=traces&errors=only&slow=500');
  await screen.findByText('GET /productpage');
  expect(asked.find((a) => a.startsWith('GET /api/v1/traces'))).toMatch(
    /service=reviews.bookinfo.*error=true.*minDuration=500ms/,
  );
  expect(screen.getByRole('link', { name: /\.104$/ }).getAttribute('href')).toBe('/traces/abc');
});

test('the document of a service', async () => {
  api['GET /api/v1/config/Service/bookinfo/reviews'] = {
    ref: { kind: 'Service', name: 'reviews' },
    etag: 'x',
    origin: { source: 'files', file: 'a.yaml', line: 3 },
    yaml: 'kind: Service',
  };
  await openService('?tab=yaml');
  await screen.findByText('kind: Service');
  screen.getByText('File a.yaml, line 3');
});

test('the document of a workload, whatever its kind', async () => {
  api['GET /api/v1/config/Deployment'] = [];
  api['GET /api/v1/config/StatefulSet'] = [
    { ref: { kind: 'StatefulSet', name: 'db' }, etag: 'x', origin: { source: 'files' }, yaml: 'kind: StatefulSet' },
  ];
  fakeApi(api);
  renderPage(WorkloadPage, { path: '/workloads/$namespace/$name', at: '/workloads/bookinfo/db?tab=yaml' });
  await live.tell('graph', { ...node('db', { kind: 'workload' }) });
  await screen.findByText('kind: StatefulSet');
});

test('what is wrong with it is said first; a viewer has no button to change it', async () => {
  signedIn('viewer');
  fakeApi(api);
  renderPage(ServicePage, { path: '/services/$namespace/$name', at: '/services/bookinfo/ratings' });
  await live.tell('graph', graph);
  await screen.findByText('ratings fails.');
  screen.getByText(/Answers 503 to 20.0 % of its requests\./);
  expect(screen.queryByRole('link', { name: 'Add rule' })).toBeNull();
  screen.getByRole('link', { name: 'Topology' });
});

test('a service that is gone says so', async () => {
  await openService('?window=1h', node('details'));
  await screen.findByText('There is no service reviews');
  expect(screen.getByRole('link', { name: 'All services' }).getAttribute('href')).toBe('/services');
});

test('a workload shows what holds for calls to its services', async () => {
  api['GET /api/v1/services/bookinfo/reviews/settings'] = [
    { setting: 'timeout', value: '2s', from: [ref], path: 'spec.http[0].timeout', line: 11, match: 'path /x' },
  ];
  fakeApi(api);
  renderPage(WorkloadPage, {
    path: '/workloads/$namespace/$name',
    at: '/workloads/bookinfo/reviews-v1?tab=rules',
  });
  const gateway = { ...ref, kind: 'Gateway' };
  await live.tell(
    'graph',
    node('reviews-v1', {
      kind: 'workload',
      services: ['reviews.bookinfo.svc.cluster.local', 'api.example.com'],
      rules: [ref, gateway],
    }),
  );
  await screen.findByRole('heading', { name: /In force for calls to reviews/ });
  const line = await screen.findByRole('link', { name: 'line 11' });
  expect(line.parentElement?.textContent).toBe('Timeout 2spath /xline 11');
  screen.getByText('nothing of the above');
});
