import { expect, test } from 'vitest';
import type {
  CanarySplit,
  GraphLiveEdge,
  GraphLiveNode,
  GraphWhy,
  HistoryChange,
} from '../../../api/generated/types.gen';
import { graphParts } from '../../../api/live/graph-parts';
import { actionOf } from './actions';
import { canaryOf, maySplit } from './canaries';
import { countStates, namespaceRows } from './namespaces';
import { troubles } from './troubles';

const node = (name: string, more: Partial<GraphLiveNode> = {}): GraphLiveNode => ({
  id: `service/${name}`,
  kind: 'service',
  name,
  namespace: 'bookinfo',
  rate: 10,
  errorShare: 0,
  unit: 'rps',
  pods: { ready: 1, total: 1 },
  health: { state: 'healthy' },
  ...more,
});
const failing = (name: string, more: Partial<GraphLiveNode> = {}) =>
  node(name, { health: { state: 'failing', reasons: [{ code: 'http5xx', state: 'failing', share: 0.2 }] }, ...more });
const because = (of: string, rule: GraphWhy['rule'] = 'failsBecauseOf'): GraphWhy => ({
  rule,
  params: { node: `service/${of}`, name: of, share: 0.9 },
});
const degraded = (name: string, ...why: GraphWhy[]) => node(name, { health: { state: 'degraded', why } });
const edge = (source: string, target: string, more: Partial<GraphLiveEdge> = {}): GraphLiveEdge => ({
  id: `${source}>${target}`,
  source: `service/${source}`,
  target: `service/${target}`,
  protocol: 'http',
  rate: 1,
  errors: 0,
  errorShare: 0,
  reporters: [],
  health: { state: 'healthy' },
  ...more,
});
const told = (list: ReturnType<typeof troubles>) => list.map((t) => `${' '.repeat(t.depth)}${t.node.name}`);
const all = () => true;

test('what is wrong comes worst first, effects under their cause', () => {
  const nodes = [
    node('details'),
    degraded('productpage', because('reviews', 'waitsFor')),
    degraded('reviews', because('ratings')),
    failing('ratings', { rate: 5, errorShare: 0.2 }),
    failing('web', { rate: 50, errorShare: 0.2 }),
    degraded('alone'),
  ];
  expect(told(troubles(nodes, all))).toEqual(['web', 'ratings', ' reviews', '  productpage', 'alone']);
});

test('a cause is shown though another namespace is looked at, but not the other effects', () => {
  const nodes = [
    failing('ratings', { namespace: 'other' }),
    degraded('reviews', because('ratings')),
    node('third', { namespace: 'other', health: { state: 'degraded', why: [because('ratings')] } }),
  ];
  expect(told(troubles(nodes, (n) => n.namespace === 'bookinfo'))).toEqual(['ratings', ' reviews']);
});

test('a cause that is healthy, unknown or in a circle hides nobody', () => {
  const nodes = [degraded('a', because('b')), degraded('b', because('a')), degraded('c', because('gone'))];
  expect(
    told(troubles(nodes, all))
      .map((n) => n.trim())
      .sort(),
  ).toEqual(['a', 'b', 'c']);
});

test('the likely remedy is the undo of the change that it began with', () => {
  const change = { id: '17', undoable: true } as HistoryChange;
  const started: GraphWhy = { rule: 'startedAfterChange', params: { change: '17', share: 1 } };
  const versions = [
    {
      version: 'v1',
      workload: 'r-v1',
      namespace: 'b',
      pods: 1,
      ready: 1,
      share: 1,
      rate: 1,
      errorShare: 0,
      state: 'healthy' as const,
    },
    {
      version: 'v2',
      workload: 'r-v2',
      namespace: 'b',
      pods: 1,
      ready: 1,
      share: 1,
      rate: 1,
      errorShare: 1,
      state: 'failing' as const,
    },
  ];
  const reasons = [{ code: 'http5xx' as const, state: 'failing' as const, version: 'v2' }];
  const of = node('ratings', { versions, health: { state: 'failing', reasons, why: [started] } });
  const given = { depth: 0, changes: [change], mayEdit: true, mayWrite: () => true };
  expect(actionOf(of, given)).toEqual({ kind: 'undo', change });
  expect(actionOf(of, { ...given, changes: [{ ...change, undoneBy: '18' }] })).toEqual({ kind: 'split', away: 'v2' });
  expect(actionOf(of, { ...given, changes: [] })).toEqual({ kind: 'split', away: 'v2' });
  expect(actionOf(of, { ...given, mayEdit: false, mayWrite: () => false })).toBeUndefined();
  expect(actionOf(of, { ...given, depth: 1 })).toBeUndefined();
  const empty = node('x', { health: { state: 'failing', reasons: [{ code: 'noEndpoints', state: 'failing' }] } });
  expect(actionOf(empty, { ...given, mayEdit: false })).toEqual({ kind: 'pods' });
});

test('a namespace shows what comes in from outside, and names up to eight', () => {
  const gateway = node('gateway', { namespace: 'gateways' });
  const many = Array.from({ length: 9 }, (_, i) => node(`s${i}`, { namespace: 'large' }));
  const graph = graphParts(
    new Map<string, unknown>(
      [
        gateway,
        node('productpage'),
        failing('ratings'),
        ...many,
        node('sick', { namespace: 'large', health: { state: 'degraded' } }),
        edge('gateway', 'productpage', { rate: 96, errors: 3, p95: 40 }),
        edge('productpage', 'ratings', { rate: 500, errors: 500, p95: 900 }),
      ].map((e) => ['source' in e ? `e:${e.id}` : `n:${e.id}`, e]),
    ),
  );
  const rows = namespaceRows(graph, (ns) => ns !== 'hidden');
  expect(rows.map((r) => r.namespace)).toEqual(['bookinfo', 'large', 'gateways']);
  expect(rows[0]).toMatchObject({ rate: 96, errorShare: 3 / 96, p95: 40, healthy: 0 });
  expect(rows[0]?.shown.map((n) => n.name)).toEqual(['ratings', 'productpage']);
  expect(rows[1]?.shown.map((n) => n.name)).toEqual(['sick']);
  expect(rows[1]?.healthy).toBe(9);
  expect(countStates(graph.nodes)).toEqual({ failing: 1, degraded: 1, unknown: 0, idle: 0, healthy: 11 });
  // Callers that nobody calls bring traffic into their own namespace.
  const own = graphParts(
    new Map<string, unknown>([
      ['n:service/bot', node('bot', { kind: 'workload' })],
      ['n:service/web', node('web')],
      ['e:1', edge('bot', 'web', { rate: 4 })],
    ]),
  );
  const [row] = namespaceRows(own, all);
  expect(row).toMatchObject({ rate: 4, errorShare: 0 });
  expect(row?.shown.map((n) => n.name)).toEqual(['web']);
});

test('a split between two versions is a canary', () => {
  const version = (name: string, rate: number, errorShare: number, p95: number) => ({
    version: name,
    workload: name,
    namespace: 'b',
    pods: 1,
    ready: 1,
    share: 0.5,
    rate,
    errorShare,
    p95,
  });
  const reviews = node('reviews', {
    versions: [version('v1', 8, 0, 40), version('v2', 1, 0.08, 1140), version('v10', 0, 0, 0)],
    rules: [{ kind: 'VirtualService', namespace: 'b', name: 'reviews' }],
  });
  const ref = { kind: 'VirtualService', namespace: 'b', name: 'reviews' };
  const split = (weights: Record<string, number>): CanarySplit => ({
    service: { host: 'h', name: 'reviews', namespace: 'b' },
    versions: ['v1', 'v2', 'v10'].map((v) => ({ version: v, labels: {}, workloads: null, pods: 1, ready: 1 })),
    preselected: 'x',
    candidates: [{ id: 'x', kind: 'mesh', matches: [], route: 0, ref, weights }],
  });
  expect(maySplit(reviews)).toBe(true);
  expect(maySplit(node('details'))).toBe(false);
  expect(canaryOf(reviews, split({ v1: 100, v2: 0 }))).toBeUndefined();
  expect(canaryOf(reviews, { ...split({}), candidates: null })).toBeUndefined();
  const canary = canaryOf(reviews, split({ v2: 20, v1: 80 }));
  expect(canary).toMatchObject({
    tried: { version: 'v2', pct: 20 },
    stable: { version: 'v1', pct: 80 },
    errorsMore: 0.08,
  });
  expect(canary?.slower).toBeCloseTo(28.5);
  expect(canary?.shares.map((s) => s.version)).toEqual(['v1', 'v2']);
  expect(canaryOf(reviews, split({ v10: 10, v1: 90 }))).toMatchObject({
    // As on its card, the third version has the third weave.
    tried: { version: 'v10', place: 2 },
    errorsMore: undefined,
  });

  // Where the calls inside the mesh are not divided, a gateway's rule is.
  const mesh = split({ v1: 100, v2: 0 });
  const edge = { ...split({ v1: 60, v2: 40 }).candidates?.[0], id: 'edge', kind: 'gateway' };
  const both = { ...mesh, candidates: [...(mesh.candidates ?? []), edge] } as CanarySplit;
  expect(canaryOf(reviews, both)?.tried).toMatchObject({ version: 'v2', pct: 40 });
});
