import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { createPortal } from 'react-dom';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GraphLiveEdge, GraphLiveNode } from '../../api/generated/types.gen';
import { type Figure, plain } from '../../lib/format';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { TopologyPage } from './topology-page';

interface ChartProps {
  label: string;
  marks?: readonly { kind: string }[];
  figure?: (value: number) => Figure;
}

// A canvas that nothing can be drawn on.
vi.mock('../../ui/chart/chart', () => ({
  Chart: ({ label, marks, figure }: ChartProps) => (
    <div
      role="img"
      aria-label={label}
      data-marks={(marks ?? []).map((m) => m.kind).join(' ')}
      data-reads={figure && plain(figure(2))}
    />
  ),
}));

beforeEach(() => {
  localStorage.clear();
  signedIn('operator');
  fakeApi({
    'GET /api/v1/timeline': { step: 30, bars: [], incidents: [] },
    'GET /api/v1/changes': { items: [] },
    'GET /api/v1/series': { start: '2026-11-21T13:08:00Z', end: '2026-11-21T14:08:00Z', step: 30, series: [] },
  });
});
afterEach(() => vi.unstubAllGlobals());

const node = (name: string, more: Partial<GraphLiveNode> = {}): GraphLiveNode => ({
  id: `service/local/${more.namespace ?? 'default'}/${name}`,
  kind: 'service',
  name,
  namespace: 'default',
  rate: 96,
  errorShare: 0,
  p95: 12,
  unit: 'rps',
  meshed: true,
  pods: { ready: 1, total: 1 },
  health: { state: 'healthy' },
  ...more,
});
const edge = (source: string, target: string, more: Partial<GraphLiveEdge> = {}): GraphLiveEdge => ({
  id: `service/local/default/${source} > service/local/default/${target} : http`,
  source: `service/local/default/${source}`,
  target: `service/local/default/${target}`,
  protocol: 'http',
  rate: 96,
  errors: 0,
  errorShare: 0,
  mutualTLS: 1,
  reporters: null,
  health: { state: 'healthy' },
  ...more,
});
const graph = (nodes: GraphLiveNode[], edges: GraphLiveEdge[] = []) => ({
  meta: { at: '2026-11-21T14:08:12Z', seconds: 300, revision: 'abc' },
  ...Object.fromEntries(nodes.map((n) => [`n:${n.id}`, n])),
  ...Object.fromEntries(edges.map((e) => [`e:${e.id}`, e])),
});

const bookinfo = graph(
  [
    node('productpage'),
    node('reviews'),
    node('ratings', {
      errorShare: 0.246,
      health: {
        state: 'failing',
        reasons: [{ code: 'http5xx', state: 'failing', share: 0.246, answer: '503' }],
      },
    }),
    node('history', { rate: 0, idle: true, health: { state: 'idle' } }),
  ],
  [
    edge('productpage', 'reviews'),
    edge('reviews', 'ratings', { errors: 24, errorShare: 0.246, health: { state: 'failing' } }),
  ],
);

/** In place of the slider, which another feature has. */
const Page = () => (
  <TopologyPage
    Split={({ name, form }) => (
      <>
        <p>{`split of ${name}, ${form}`}</p>
        {createPortal(<input aria-label="preview" />, document.body)}
      </>
    )}
  />
);

async function open(at = '/topology', elements: Record<string, unknown> = bookinfo) {
  const live = fakeLive();
  const page = renderPage(Page, { path: '/topology', at });
  await live.tell('graph', elements);
  return { ...page, live };
}
const label = (element: Element | null) => element?.getAttribute('aria-label');
const card = (name: string) => screen.findByRole('button', { name: new RegExp(`^${name}, `) });

test('cards, threads and what needs attention', async () => {
  const { container } = await open();
  expect(label(await card('reviews'))).toBe('reviews, Healthy, 96.0 requests per second, 0\u00a0% errors');
  expect(label(await card('ratings'))).toMatch(/Failing/);
  expect(label(await card('history'))).toBe('history, Idle');
  expect(container.querySelectorAll('.tp-thread .tp-hit')).toHaveLength(2);
  const attention = screen.getByRole('complementary', { name: 'Needs attention' });
  expect(within(attention).getByText(/Answers 503 to 24.6/)).toBeTruthy();
});

test('a figure changes in its card; nothing moves, and a new card finds a place', async () => {
  const { live, container } = await open();
  const places = () =>
    Object.fromEntries(
      [...container.querySelectorAll<HTMLElement>('[data-card]')].map((e) => [e.dataset.card, e.style.transform]),
    );
  await card('reviews');
  const before = places();
  await live.patch('graph', { 'n:service/local/default/reviews': node('reviews', { rate: 101 }) });
  await waitFor(async () => expect(label(await card('reviews'))).toMatch(/101 requests/));
  await live.patch('graph', { 'n:service/local/default/late': node('late') });
  await card('late');
  expect(places()).toMatchObject(before);
});

test('one tab stop; arrow keys lead along threads', async () => {
  const { container } = await open();
  await card('reviews');
  expect(container.querySelectorAll('[data-card][tabindex="0"]')).toHaveLength(1);
  (await card('productpage')).focus();
  fireEvent.keyDown(document.activeElement as Element, { key: 'ArrowRight' });
  await waitFor(() => expect(label(document.activeElement)).toMatch(/^reviews/));
  fireEvent.keyDown(document.activeElement as Element, { key: 'ArrowRight' });
  await waitFor(() => expect(label(document.activeElement)).toMatch(/^ratings/));
  expect(container.querySelectorAll('[data-card][tabindex="0"]')).toHaveLength(1);
});

test('the find field filters, and says what is wrong with a condition', async () => {
  const user = userEvent.setup();
  const { address } = await open();
  await card('reviews');
  const field = screen.getByRole('textbox', { name: 'Find' });
  await user.type(field, 'error > 1%');
  await waitFor(() => expect(screen.queryByRole('button', { name: /^reviews, / })).toBeNull());
  expect(await card('ratings')).toBeTruthy();
  expect(address()).toContain('find=error');
  await user.clear(field);
  await user.type(field, 'error > 30%');
  expect(await screen.findByText(/The highest error share is 24.6.%, at ratings/)).toBeTruthy();
  await user.clear(field);
  await user.type(field, 'speed > 3');
  expect(await screen.findByText(/There is no field speed/)).toBeTruthy();
});

test('the legend is the filter, and the address keeps it', async () => {
  const user = userEvent.setup();
  const { address } = await open();
  await card('history');
  await user.click(screen.getByRole('button', { name: 'Idle', pressed: true }));
  await waitFor(() => expect(screen.queryByRole('button', { name: /^history, / })).toBeNull());
  expect(address()).toContain('hide=idle');
  expect(screen.getByRole<HTMLInputElement>('switch', { name: 'Show idle' }).checked).toBe(false);
});

test('a namespace collapses to a card and opens again', async () => {
  const user = userEvent.setup();
  const { address } = await open();
  fireEvent.keyDown(await card('reviews'), { key: 'c' });
  const closed = await screen.findByRole('button', { name: 'Namespace default, Failing, 4 entries, collapsed' });
  expect(address()).toContain('closed=default');
  await user.pointer([{ target: closed, keys: '[MouseLeft]' }]);
  expect(await card('reviews')).toBeTruthy();
});

test('P pauses: figures stay as they are', async () => {
  const { live } = await open();
  await card('reviews');
  fireEvent.keyDown(document.body, { key: 'p' });
  expect(screen.getByRole('button', { name: 'Resume live updates' })).toBeTruthy();
  await live.patch('graph', { 'n:service/local/default/reviews': node('reviews', { rate: 101 }) });
  expect(label(await card('reviews'))).toMatch(/96.0 requests/);
  fireEvent.keyDown(document.body, { key: 'p' });
  await waitFor(async () => expect(label(await card('reviews'))).toMatch(/101 requests/));
});

test('a card opens the panel: why, versions, answers, rules, peers', async () => {
  const user = userEvent.setup();
  const { address, live } = await open();
  (await card('ratings')).focus();
  fireEvent.keyDown(document.activeElement as Element, { key: 'Enter' });
  const panel = await screen.findByRole('complementary', { name: 'ratings' });
  expect(within(panel).getByText(/Answers 503 to 24.6/)).toBeTruthy();
  expect(address()).toContain('sel=service');
  await live.patch('graph', {
    'e:service/local/default/reviews > service/local/default/ratings : http': edge('reviews', 'ratings', {
      errorShare: 0.25,
      errors: 24,
      health: { state: 'failing' },
      responses: [
        { code: '200', rate: 72 },
        { code: '503', flags: 'UC', rate: 24 },
      ],
    }),
  });
  expect(await within(panel).findByText('UC: ratings closed the connection')).toBeTruthy();
  await user.click(within(panel).getByRole('button', { name: /reviews/ }));
  const thread = await screen.findByRole('complementary', { name: 'reviews → ratings' });
  expect(within(thread).getByText('503')).toBeTruthy();
  await user.click(within(thread).getByRole('button', { name: 'Close' }));
  await waitFor(() => expect(address()).not.toContain('sel='));
});

test('Escape closes the panel, and who closes it is back at the card', async () => {
  const user = userEvent.setup();
  const { address } = await open();
  const ratings = await card('ratings');
  ratings.focus();
  await user.keyboard('{Enter}');
  const panel = await screen.findByRole('complementary', { name: 'ratings' });
  within(panel).getByRole('button', { name: 'Close' }).focus();
  await user.keyboard('{Escape}');
  await waitFor(() => expect(address()).not.toContain('sel='));
  expect(document.activeElement).toBe(document.querySelector('[data-card][tabindex="0"]'));
});

test('who may not change is told so', async () => {
  signedIn('viewer');
  await open('/topology?sel=service/local/default/reviews');
  const panel = await screen.findByRole('complementary', { name: 'reviews' });
  expect(within(panel).queryByRole('button', { name: 'Shift traffic' })).toBeNull();
  expect(within(panel).getByText(/You may look, not change/)).toBeTruthy();
});

test('T is the table: sorted by the address, and it opens the panel too', async () => {
  const user = userEvent.setup();
  const { address } = await open();
  await card('reviews');
  fireEvent.keyDown(document.body, { key: 't' });
  const table = await screen.findByRole('table');
  const names = () =>
    within(table)
      .getAllByRole('row')
      .slice(1)
      .map((r) => within(r).getAllByRole('button')[0]?.textContent);
  expect(names()[0]).toBe('ratings');
  await user.click(within(table).getByRole('button', { name: 'Name' }));
  await waitFor(() => expect(names()).toEqual(['history', 'productpage', 'ratings', 'reviews']));
  expect(address()).toContain('sort=name');
  await user.click(screen.getByRole('button', { name: 'Threads' }));
  await waitFor(() => expect(names().length).toBe(2));
  const row = within(table).getAllByRole('button', { name: 'reviews' })[0] as Element;
  await user.click(row);
  const panel = await screen.findByRole('complementary', { name: 'reviews → ratings' });
  await user.click(within(panel).getByRole('button', { name: 'Close' }));
  await waitFor(() => expect(address()).not.toContain('sel='));
  expect(document.activeElement).toBe(row);
});

test('who chooses an incident of the hour goes on in its panel', async () => {
  const at = (seconds: number) => new Date(Date.parse('2026-11-21T13:00:00Z') + seconds * 1000).toISOString();
  fakeApi({
    'GET /api/v1/timeline': {
      step: 30,
      bars: Array.from({ length: 120 }, (_, i) => ({ at: at((i + 1) * 30), errorShare: 0, rps: 10 })),
      incidents: [
        {
          at: at(3595),
          type: 'service',
          node: 'service/local/default/ratings',
          name: 'ratings',
          from: 'healthy',
          to: 'failing',
        },
      ],
    },
    'GET /api/v1/changes': { items: [] },
  });
  const user = userEvent.setup();
  await open();
  (await screen.findByRole('slider', { name: /Error share of the last hour/ })).focus();
  await user.keyboard('{Enter}');
  const box = await screen.findByRole('dialog');
  await user.click(within(box).getByRole('button', { name: /ratings/ }));
  const panel = await screen.findByRole('complementary', { name: 'ratings' });
  await waitFor(() => expect(document.activeElement).toBe(panel));
});

test('the neighbourhood of a card', async () => {
  const { address } = await open();
  fireEvent.keyDown(await card('ratings'), { key: 'n' });
  await waitFor(() => expect(screen.queryByRole('button', { name: /^productpage, / })).toBeNull());
  expect(await card('reviews')).toBeTruthy();
  expect(screen.getByText('Around ratings')).toBeTruthy();
  expect(address()).toContain('around=');
});

test('an empty mesh, and figures that are not of now', async () => {
  const { live } = await open('/topology', graph([]));
  expect(await screen.findByText('Nothing is here yet')).toBeTruthy();
  await live.tell('graph', {
    ...bookinfo,
    meta: {
      at: '2026-11-21T14:06:20Z',
      seconds: 1,
      revision: '',
      staleSince: '2026-11-21T14:06:22Z',
      problem: 'Prometheus is away',
    },
  });
  expect(await screen.findByText(/^as of \d\d:06:20, /)).toBeTruthy();
});

test('a refused graph says so', async () => {
  const live = fakeLive();
  renderPage(TopologyPage, { path: '/topology' });
  await live.refuse('graph', 'failed', 'the metrics cannot be read');
  expect(await screen.findByText('the metrics cannot be read')).toBeTruthy();
});

test('many nodes begin with collapsed namespaces, which no update changes', async () => {
  const many = Array.from({ length: 70 }, (_, i) => node(`s${i}`, { namespace: `n${i % 7}` }));
  // Another window than the tests before, which would still show what these were told.
  const { container, live } = await open('/topology?window=1h', graph(many));
  await screen.findByRole('button', { name: /^Namespace n3/ });
  expect(container.querySelectorAll('[data-card]')).toHaveLength(7);
  await live.patch(
    'graph',
    {},
    many.slice(0, 30).map((n) => `n:${n.id}`),
  );
  expect(container.querySelectorAll('[data-card]')).toHaveLength(7);
});

const version = (name: string) => ({
  version: name,
  workload: `reviews-${name}`,
  namespace: 'default',
  cluster: 'local',
  pods: 1,
  ready: 1,
  share: 0.5,
  rate: 48,
  errorShare: 0,
});
const canary = graph([node('reviews', { versions: [version('v1'), version('v2')] }), node('ratings')]);

test('traffic is shifted on the card, by pointer and by key, and in the panel', async () => {
  const user = userEvent.setup();
  const { address, container } = await open('/topology?window=15m', canary);
  const reviews = await card('reviews');
  expect(container.querySelectorAll('[data-split]')).toHaveLength(1);
  await user.pointer([{ target: container.querySelector('[data-split]') as Element, keys: '[MouseLeft]' }]);
  expect(
    within(await screen.findByRole('dialog', { name: 'Traffic of reviews' })).getByText('split of reviews, card'),
  ).toBeTruthy();
  expect(address()).toContain('shift=service');
  expect(address()).not.toContain('sel=');
  const dialogElement = screen.getByRole('dialog');
  await user.type(screen.getByRole('textbox', { name: 'preview' }), '{Escape}');
  expect(screen.getByRole('dialog')).toBe(dialogElement);
  dialogElement.focus();
  await user.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(document.activeElement).toBe(await card('reviews'));
  fireEvent.keyDown(await card('ratings'), { key: 's' });
  fireEvent.keyDown(reviews, { key: 's' });
  const dialog = await screen.findByRole('dialog', { name: 'Traffic of reviews' });
  await user.click(within(dialog).getByRole('button', { name: 'Open in the panel' }));
  const panel = await screen.findByRole('complementary', { name: 'reviews' });
  expect(await within(panel).findByText('split of reviews, panel')).toBeTruthy();
  expect(screen.queryByRole('dialog')).toBeNull();
  await waitFor(() => expect(document.activeElement).toBe(panel));
  await user.click(within(panel).getByRole('button', { name: 'Hide split' }));
  await waitFor(() => expect(screen.queryByText('split of reviews, panel')).toBeNull());
  await user.click(within(panel).getByRole('button', { name: 'Shift traffic' }));
  expect(await within(panel).findByText('split of reviews, panel')).toBeTruthy();
});

test('who may not change has nothing to shift on a card', async () => {
  signedIn('viewer');
  const { container } = await open('/topology?window=15m', canary);
  fireEvent.keyDown(await card('reviews'), { key: 's' });
  expect(container.querySelector('[data-split]')).toBeNull();
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('who may not change gets no split from an address either', async () => {
  signedIn('viewer');
  await open('/topology?window=15m&sel=service/local/default/reviews&shift=panel', canary);
  expect(await screen.findByRole('complementary', { name: 'reviews' })).toBeTruthy();
  expect(screen.queryByText(/^split of/)).toBeNull();
});

test('the slider at a card goes with its service', async () => {
  const { live } = await open('/topology?window=15m&shift=service/local/default/reviews', canary);
  expect(await screen.findByRole('dialog', { name: 'Traffic of reviews' })).toBeTruthy();
  await live.patch('graph', {}, ['n:service/local/default/reviews']);
  expect(await screen.findByRole('button', { name: /^reviews, gone since/ })).toBeTruthy();
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('what left while nothing was followed is not told as gone now', async () => {
  const { live } = await open();
  await card('ratings');
  expect(screen.getByText('4 services')).toBeTruthy();
  fireEvent.keyDown(document.body, { key: 'p' });
  await live.patch('graph', {}, ['n:service/local/default/ratings']);
  fireEvent.keyDown(document.body, { key: 'p' });
  await waitFor(() => expect(screen.queryByRole('button', { name: /^ratings, / })).toBeNull());
  await live.patch('graph', {}, ['n:service/local/default/history']);
  expect(await screen.findByRole('button', { name: /^history, gone since/ })).toBeTruthy();
  expect(screen.getByText('2 services')).toBeTruthy();
});

test('what leaves stays for a while, dashed; its panel says so', async () => {
  const { live, container } = await open('/topology?sel=service/local/default/ratings');
  await screen.findByRole('complementary', { name: 'ratings' });
  await live.patch('graph', {}, [
    'n:service/local/default/ratings',
    'e:service/local/default/reviews > service/local/default/ratings : http',
  ]);
  expect(label(await screen.findByRole('button', { name: /^ratings, gone since/ }))).toBeTruthy();
  expect(container.querySelector('.tp-card.is-gone.c-unknown')).toBeTruthy();
  expect(container.querySelectorAll('.tp-hit')).toHaveLength(2);
  expect(screen.queryByRole('complementary', { name: 'Needs attention' })).toBeNull();
  expect(screen.getByText('It is not there any more')).toBeTruthy();
});

test('a thread: its hour, and its requests by version of the caller', async () => {
  const asked = fakeApi({
    'GET /api/v1/timeline': { step: 30, bars: [], incidents: [] },
    'GET /api/v1/changes': { items: [] },
    'GET /api/v1/series': { start: '2026-11-21T13:08:00Z', end: '2026-11-21T14:08:00Z', step: 30, series: [] },
  });
  const host = 'ratings.default.svc.cluster.local';
  const { live } = await open(
    '/topology?window=5m&sel=service/local/default/reviews > service/local/default/ratings',
    graph(
      [node('reviews', { versions: [version('v1'), version('v2')] }), node('ratings', { services: [host] })],
      [edge('reviews', 'ratings')],
    ),
  );
  const panel = await screen.findByRole('complementary', { name: 'reviews → ratings' });
  expect(await within(panel).findByRole('img', { name: 'Latency p95' })).toBeTruthy();
  const series = asked.find((one) => one.includes('/series'))?.split(' ')[1] ?? '';
  expect(Object.fromEntries(new URL(series, 'http://x').searchParams)).toMatchObject({
    kind: 'service',
    name: host,
    sourceNamespace: 'default',
    source: 'reviews-v2',
  });
  await live.tell(
    'graph',
    graph(
      [
        node('reviews-v1', { kind: 'workload', workload: 'reviews-v1', version: 'v1' }),
        node('reviews-v2', { kind: 'workload', workload: 'reviews-v2', version: 'v2' }),
      ],
      [
        edge('reviews-v1', 'ratings', { rate: 72, services: [host] }),
        edge('reviews-v2', 'ratings', { rate: 24, services: [host] }),
      ],
    ),
  );
  const row = await within(panel).findByRole('row', { name: /v2/ });
  expect(row.textContent).toMatch(/25.0.%/);
  fireEvent.click(within(panel).getByRole('button', { name: /ratings/ }));
  expect(await screen.findByRole('complementary', { name: 'ratings' })).toBeTruthy();
});

test('glyphs say what the rules do', async () => {
  const rule = { kind: 'VirtualService', namespace: 'default', name: 'reviews' };
  const subsets = { ...rule, kind: 'DestinationRule' };
  const versions = ['v1', 'v2'].map((version) => ({
    version,
    workload: `reviews-${version}`,
    namespace: 'default',
    pods: 1,
    ready: 1,
    share: 0.5,
    rate: 48,
    errorShare: 0,
  }));
  const reviews = (does: ('route' | 'split' | 'timeout')[]) =>
    node('reviews', { versions, rules: [{ ...rule, does }, subsets] });
  const { container, live } = await open('/topology', graph([reviews(['route'])]));
  await card('reviews');
  const glyphs = () => [...container.querySelectorAll('.tp-rules .rg')].map(label);
  expect(glyphs()).toEqual(['Routing rule']);
  await live.patch('graph', { 'n:service/local/default/reviews': reviews(['split', 'timeout']) });
  await waitFor(() => expect(glyphs()).toEqual(['Traffic split', 'Timeout']));
});

const shop = graph([
  node('cart', { namespace: 'shop', health: { state: 'degraded' } }),
  node('reviews'),
  node('ratings', { health: { state: 'failing' } }),
]);

test('what needs attention and what is found is of the chosen namespaces', async () => {
  await open('/topology?ns=shop&find=name ~ a', shop);
  await card('cart');
  const attention = screen.getByRole('complementary', { name: 'Needs attention' });
  expect(
    within(attention)
      .getAllByRole('button')
      .map((b) => b.textContent),
  ).toEqual([expect.stringMatching(/^cart/)]);
  expect(await screen.findByText('1 found')).toBeTruthy();
});

test('what is chosen within a collapsed namespace opens it; collapsing it again lets go', async () => {
  const { address } = await open('/topology?closed=shop', shop);
  await screen.findByRole('button', { name: /^Namespace shop/ });
  expect(screen.getByText('3 services in 2 namespaces, 1 collapsed')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: /cart/ }));
  const opened = await card('cart');
  expect(address()).toContain('sel=');
  fireEvent.keyDown(opened, { key: 'c' });
  await screen.findByRole('button', { name: /^Namespace shop/ });
  expect(address()).not.toContain('sel=');
});

test('the panel: charts tell values and what happened, the rules and the port stand in it', async () => {
  fakeApi({
    'GET /api/v1/timeline': { step: 30, bars: [], incidents: [] },
    'GET /api/v1/changes': { items: [{ id: 'c1', at: '2026-11-21T13:53:00Z', summary: { code: 'edited' } }] },
    'GET /api/v1/series': { start: '2026-11-21T13:08:00Z', end: '2026-11-21T14:08:00Z', step: 30, series: [] },
    'GET /api/v1/services/default/ratings': { ports: [{ number: 9080, protocol: 'http', endpoints: 1, ready: 1 }] },
  });
  const ratings = node('ratings', {
    rules: [{ kind: 'VirtualService', namespace: 'default', name: 'ratings', does: ['route'] }],
    health: { state: 'failing', since: '2026-11-21T13:54:00Z' },
  });
  await open(`/topology?sel=${ratings.id}`, graph([ratings]));
  await screen.findByRole('heading', { name: 'Rules that act here' });
  expect(await screen.findByText(/HTTP 9080/)).toBeTruthy();
  const charts = await screen.findAllByRole('img', { name: /Request rate|Error share|Latency p95/ });
  await waitFor(() => expect(charts.map((c) => c.dataset.marks)).toEqual(Array(3).fill('change incident')));
  expect(charts.map((c) => c.dataset.reads)).toEqual(['2.0\u00a0rps', '2.0\u00a0%', '2.0\u00a0ms']);
});
