import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sessionStore } from '../../api/session-store';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { linesOf, marksOf } from './mesh-sheet';
import { OverviewPage } from './overview-page';
import { proxyState } from './proxies-sheet';
import { inSentence } from './wrong-now';

vi.mock('../../ui/chart/chart', () => ({
  Chart: ({ label }: { label: string }) => <div role="img" aria-label={label} />,
}));

const healthy = { state: 'healthy' };
const node = (name: string, more: object = {}) => ({
  [`n:service/${name}`]: {
    id: `service/${name}`,
    kind: 'service',
    name,
    namespace: 'bookinfo',
    rate: 10,
    errorShare: 0,
    unit: 'rps',
    pods: { ready: 1, total: 1 },
    health: healthy,
    ...more,
  },
});
const change = (id: string, more: object = {}) => ({
  id,
  actor: 'lena',
  via: 'console',
  at: '2026-11-21T13:50:00Z',
  summary: {
    code: 'weights',
    params: {
      kind: 'VirtualService',
      namespace: 'bookinfo',
      name: `r${id}`,
      from: '100/0',
      to: '70/30',
      labels: 'v1/v2',
    },
  },
  entries: [
    {
      op: 'change',
      ref: { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'bookinfo', name: `r${id}` },
    },
  ],
  undoable: true,
  ...more,
});
const ratings = {
  rate: 28,
  errorShare: 0.246,
  health: {
    state: 'failing',
    since: '2026-11-21T13:54:00Z',
    reasons: [
      { code: 'http5xx', state: 'failing', share: 0.246, answer: '503', version: 'v-faulty', versionShare: 0.49 },
    ],
    why: [
      {
        rule: 'startedAfterChange',
        params: {
          change: '17',
          actor: 'lena',
          started: '2026-11-21T13:54:00Z',
          share: 1,
          refs: [{ group: 'networking.istio.io', kind: 'VirtualService', namespace: 'bookinfo', name: 'ratings' }],
        },
      },
    ],
  },
};
const reviews = {
  health: {
    state: 'degraded',
    reasons: [{ code: 'slow', state: 'degraded', p95: 412, usual: 44 }],
    why: [{ rule: 'waitsFor', params: { node: 'service/ratings', name: 'ratings', share: 0.9 } }],
  },
};
const series = { start: '2026-11-21T13:00:00Z', end: '2026-11-21T14:00:00Z', step: 30, series: [] };

let live: ReturnType<typeof fakeLive>;
let api: Record<string, unknown>;
beforeEach(() => {
  signedIn();
  api = {
    'GET /api/v1/changes': {
      items: [change('17'), change('16', { undoneBy: '17' }), change('15', { undoable: false })],
    },
    'GET /api/v1/series': series,
    'GET /api/v1/timeline': { step: 30, bars: [], incidents: [] },
  };
  live = fakeLive();
});
afterEach(() => {
  vi.unstubAllGlobals();
  sessionStore.getState().leave();
});

const open = async (nodes: object, at = '/') => {
  const asked = fakeApi(api);
  renderPage(OverviewPage, { path: '/', at });
  await live.tell('graph', nodes as Record<string, unknown>);
  // What the page followed in the test before is kept for a while.
  await live.tell('proxies', {});
  return asked;
};

test('what is wrong is named first, the effect under its cause, with one primary button', async () => {
  await open({ ...node('reviews', reviews), ...node('ratings', ratings), ...node('details') });
  await screen.findByRole('heading', { level: 1, name: '2 services need attention' });
  const rows = within(
    (await screen.findByRole('heading', { name: 'Wrong now' })).parentElement as HTMLElement,
  ).getAllByRole('listitem');
  expect(rows).toHaveLength(2);
  expect(rows[0]?.textContent).toMatch(/ratings fails: v-faulty answers 503 to 49.0\u00a0% of its requests/);
  expect(rows[0]?.textContent).toMatch(/24.6\u00a0%6.9 failed \/ s/);
  expect(rows[1]?.className).toContain('ov-child');
  expect(rows[1]?.textContent).toMatch(/reviews is slow: p95 is 412\u00a0ms, usually 44\u00a0ms.*Waits for ratings/);
  await waitFor(() => expect(document.querySelectorAll('.pf-m-primary')).toHaveLength(1));
  within(rows[0] as HTMLElement).getByRole('button', { name: 'Undo the change' });
});

test('a change is undone, and the list is asked for anew', async () => {
  api['POST /api/v1/changes/17/undo'] = { change: change('18'), findings: [] };
  const asked = await open(node('details'));
  await screen.findByRole('heading', { level: 1, name: '1 service is healthy' });
  // Only what can be undone has a button.
  const button = await screen.findByRole('button', { name: /^Undo: VirtualService r17: v2 0 → 30 %, v1 100 → 70 %/ });
  expect(screen.getAllByRole('button', { name: /^Undo/ })).toHaveLength(1);
  await userEvent.click(button);
  await screen.findByText(/^Undone: VirtualService r17/);
  await waitFor(() => expect(asked.filter((a) => a.startsWith('GET /api/v1/changes'))).toHaveLength(2));
});

test('who may only look has no buttons that change', async () => {
  signedIn('viewer');
  await open({ ...node('ratings', ratings) });
  await screen.findByText('VirtualService r17: v2 0 → 30 %, v1 100 → 70 %');
  expect(screen.queryByRole('button', { name: /Undo/ })).toBeNull();
});

test('delivery, canaries and proxies are told as they are', async () => {
  const versions = [
    { version: 'v1', workload: 'v1', namespace: 'bookinfo', pods: 1, ready: 1, share: 0.8, rate: 8, errorShare: 0 },
    { version: 'v2', workload: 'v2', namespace: 'bookinfo', pods: 1, ready: 1, share: 0.2, rate: 2, errorShare: 0.079 },
  ];
  const ref = { kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' };
  api['GET /api/v1/services/bookinfo/reviews/split'] = {
    service: { host: 'h', namespace: 'bookinfo', name: 'reviews' },
    versions: [{ version: 'v1' }, { version: 'v2' }],
    preselected: 'x',
    candidates: [{ id: 'x', kind: 'mesh', matches: [], route: 0, ref, weights: { v1: 80, v2: 20 } }],
  };
  api['GET /api/v1/changes'] = { items: [change('99')] };
  await open(node('reviews', { versions, rules: [ref] }));
  await screen.findByRole('link', { name: 'v2 at 20 %' });
  screen.getByText('v2 +7.9 pp errors against v1');
  const written = '2026-11-21T13:50:00.000Z';
  await live.tell('delivery', {
    summary: {
      known: true,
      concerned: 20,
      acknowledged: 20,
      rejected: 0,
      pending: 0,
      written,
      sent: written,
      last: '2026-11-21T13:50:01.400Z',
    },
  });
  await screen.findByText(/taken by 20 proxies in 1.40 s/);
  const at = '2026-11-21T13:50:00Z';
  await live.tell('proxies', {
    a: { uid: 'a', id: 'a.bookinfo', namespace: 'bookinfo', pod: 'a', settled: true, refused: [], types: [] },
    b: {
      uid: 'b',
      id: 'b.bookinfo',
      namespace: 'bookinfo',
      pod: 'b-1',
      settled: true,
      refused: [{ message: 'duplicate domain', at }],
      types: [],
    },
  });
  await screen.findByRole('img', { name: '1 in sync, 0 waiting, 1 rejected' });
  screen.getByText('duplicate domain');
  await screen.findByRole('heading', { level: 1, name: '1 proxy rejected its configuration' });
});

test('a change that is not among the latest is asked for, and the sentence leads to it', async () => {
  api['GET /api/v1/changes'] = { items: [change('99')] };
  api['GET /api/v1/changes/17'] = change('17');
  await open(node('ratings', ratings));
  await screen.findByRole('button', { name: 'Undo the change' });
  const links = screen.getAllByRole('link').map((link) => link.getAttribute('href'));
  expect(links).toContain('/changes/17');
});

test('a change that is not among the latest is taken back once', async () => {
  api['GET /api/v1/changes'] = { items: [change('99')] };
  api['GET /api/v1/changes/17'] = change('17');
  api['POST /api/v1/changes/17/undo'] = { change: change('100'), findings: [] };
  await open(node('ratings', ratings));
  const undo = await screen.findByRole('button', { name: 'Undo the change' });
  api['GET /api/v1/changes/17'] = change('17', { undoneBy: '100' });
  await userEvent.click(undo);
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Undo the change' })).toBeNull());
});

test('an empty mesh says so, and so does one without traffic', async () => {
  await open({});
  await screen.findByRole('heading', { level: 1, name: 'The mesh has no services yet' });
  await live.patch('graph', node('details', { health: { state: 'idle' } }));
  await screen.findByRole('heading', { level: 1, name: 'No request has passed yet' });
  await live.patch('graph', node('reviews'));
  await screen.findByRole('heading', { level: 1, name: '1 service is healthy, 1 without traffic' });
});

test('a graph that cannot be computed says why', async () => {
  fakeApi(api);
  renderPage(OverviewPage, { path: '/' });
  await live.refuse('graph', 'failed', 'connection refused');
  await screen.findByText('connection refused');
});

test('the lines of the mesh', () => {
  const requests: [number, number][] = [
    [0, 10],
    [30, 10],
  ];
  const lines = linesOf({
    ...series,
    series: [
      { name: 'requests', unit: '1/s', points: requests },
      { name: 'errors', unit: '1/s', points: [[30, 1]] },
    ],
  });
  expect(lines.errors).toEqual([
    [0, 0],
    [30, 10],
  ]);
  expect(lines.p95).toEqual([]);
  const at = '1970-01-01T00:01:00Z';
  expect(
    marksOf(
      [{ at }],
      [
        { at, to: 'failing' },
        { at, to: 'degraded' },
      ],
    ),
  ).toEqual([
    { at: 60, kind: 'change' },
    { at: 60, kind: 'incident' },
  ]);
});

test('the state of a proxy', () => {
  const proxy = (more: object) => ({ settled: true, stale: false, refused: null, types: [], ...more }) as never;
  expect(proxyState(proxy({ refused: [{}] }))).toBe('rejected');
  expect(proxyState(proxy({ settled: false }))).toBe('waiting');
  expect(proxyState(proxy({}))).toBe('ok');
});

test('a sentence after a colon begins small, names do not', () => {
  expect(inSentence('Answers 503 to 2 %', 'en')).toBe('answers 503 to 2 %');
  expect(inSentence('v2 answers 503', 'en')).toBe('v2 answers 503');
});
