import { expect, test } from 'vitest';
import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { graphParts } from '../../../api/live/graph-parts';
import { csvText } from '../../../lib/csv';
import { answerList, answersOf, callsOf, mutualTLS, threadWidth } from './calls';
import { csvColumns } from './csv-columns';
import { matches, statesOf } from './filter';
import { errorLines, linesOf } from './lines';
import { add, emptyLog, end, kept, linesWith } from './log-lines';
import { drawn, neighboursOf, shownNeighbours } from './neighbours';
import { nodeOf } from './subject';
import { tracedAs } from './traced';

const node = (name: string, more: Partial<GraphLiveNode> = {}): GraphLiveNode => ({
  id: name,
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
const edge = (source: string, target: string, more: Partial<GraphLiveEdge> = {}): GraphLiveEdge => ({
  id: `${source}>${target}`,
  source,
  target,
  protocol: 'http',
  rate: 1,
  errors: 0,
  errorShare: 0,
  reporters: [],
  health: { state: 'healthy' },
  ...more,
});
const graph = (...elements: (GraphLiveNode | GraphLiveEdge)[]) =>
  graphParts(new Map(elements.map((e) => ['source' in e ? `e:${e.id}` : `n:${e.id}`, e])));

test('callers come first, most traffic first; a peer that is not drawn keeps its id', () => {
  const g = graph(
    node('reviews'),
    node('productpage'),
    edge('reviews', 'ratings', { rate: 5 }),
    edge('productpage', 'reviews', { rate: 1 }),
    edge('web', 'reviews', { rate: 9 }),
    edge('web', 'other'),
  );
  const calls = callsOf(g, 'reviews');
  expect(calls.map((c) => [c.direction, c.edge.source, c.peer?.name])).toEqual([
    ['in', 'web', undefined],
    ['in', 'productpage', 'productpage'],
    ['out', 'reviews', undefined],
  ]);
  expect(nodeOf(g, { kind: 'service', namespace: 'bookinfo', name: 'reviews' })?.id).toBe('reviews');
  expect(nodeOf(g, { kind: 'workload', namespace: 'bookinfo', name: 'reviews' })).toBeUndefined();
});

test('answers add up over callers, with what is an error', () => {
  const responses = [
    { code: '200', rate: 8 },
    { code: '503', flags: 'UC', rate: 1 },
    { code: '0', flags: 'DC', rate: 1 },
    { code: '200', grpc: '14', flags: '-', rate: 0 },
  ];
  const calls = callsOf(graph(node('r'), edge('a', 'r', { responses }), edge('r', 'b', { responses })), 'r');
  expect(answersOf(calls)).toEqual([
    { code: '200', flags: '', share: 0.8, bad: false },
    { code: '503', flags: 'UC', share: 0.1, bad: true },
    { code: '', flags: 'DC', share: 0.1, bad: true },
  ]);
  expect(answerList(responses)).toBe('200, 503 UC, DC, gRPC 14');
  expect(answerList(null)).toBe('');
});

test('mutual TLS is weighed by traffic, and silent where nobody could tell', () => {
  const of = (...edges: GraphLiveEdge[]) => mutualTLS(callsOf(graph(...edges), 'r'));
  expect(of(edge('a', 'r', { mutualTLS: 1, rate: 3 }), edge('b', 'r', { mutualTLS: 0, rate: 1 }))).toBe(0.75);
  expect(of(edge('a', 'r'))).toBeUndefined();
  expect(of(edge('a', 'r', { mutualTLS: 1, rate: 0 }))).toBe(1);
});

test('threads are as wide as their traffic', () => {
  expect(threadWidth(edge('a', 'b', { rate: 0 }))).toBe(1.25);
  expect(threadWidth(edge('a', 'b', { rate: 1e9 }))).toBe(7);
  expect(threadWidth(edge('a', 'b', { protocol: 'tcp' }))).toBe(2.2);
});

test('many neighbours: what is wrong is drawn', () => {
  const many = Array.from({ length: 9 }, (_, i) => edge(`c${i}`, 'r', { rate: 10 - i }));
  const bad = edge('bad', 'r', { rate: 0.1, health: { state: 'failing' } });
  const idle = edge('bad', 'r', { id: 'tcp', protocol: 'tcp', idle: true });
  const all = neighboursOf(callsOf(graph(...many, bad, idle), 'r'), 'in');
  expect(all).toHaveLength(10);
  expect(all.find((n) => n.id === 'bad')).toMatchObject({ state: 'failing', name: 'bad' });
  const shown = shownNeighbours(all);
  expect(shown).toHaveLength(drawn - 1);
  expect(shown.map((n) => n.id)).toContain('bad');
  expect(shownNeighbours(all.slice(0, drawn))).toHaveLength(drawn);
});

test('a list is filtered by words in name and place', () => {
  const reviews = node('reviews', { app: 'books' });
  expect(matches(reviews, '')).toBe(true);
  expect(matches(reviews, 'bookinfo/ REV')).toBe(true);
  expect(matches(reviews, 'reviews other')).toBe(false);
  expect(matches(reviews, 'books')).toBe(true);
  expect(statesOf([reviews, node('x', { health: { state: 'failing' } }), node('y')])).toEqual([
    { state: 'failing', count: 1 },
    { state: 'healthy', count: 2 },
  ]);
});

test('lines by version, errors as per cent of their own requests', () => {
  const answer = {
    start: '2026-11-21T13:00:00Z',
    end: '2026-11-21T14:00:00Z',
    step: 30,
    series: [
      { name: 'requests' as const, unit: '1/s' as const, version: 'v10', points: [[0, 4]] as [number, number][] },
      { name: 'requests' as const, unit: '1/s' as const, version: 'v2', points: [[0, 2]] as [number, number][] },
      { name: 'errors' as const, unit: '1/s' as const, version: 'v2', points: [[0, 1]] as [number, number][] },
      { name: 'p95' as const, unit: 'ms' as const, version: 'v2', points: null },
    ],
  };
  expect(errorLines(answer)).toEqual([
    { label: 'v2', points: [[0, 50]] },
    { label: 'v10', points: [[0, 0]] },
  ]);
  expect(linesOf(answer, 'p95')).toEqual([]);
});

test('a log is whole lines, without colours, the newest kept', () => {
  let log = add(emptyLog, 'one\ntw');
  expect(log.lines).toEqual(['one']);
  log = add(log, 'o\r\n\u001b[31mred\u001b[0m\n\nlast');
  expect(log.lines).toEqual(['one', 'two', 'red', '']);
  expect(end(log).lines.at(-1)).toBe('last');
  expect(end(emptyLog)).toBe(emptyLog);
  expect(linesWith(log, ' T')).toEqual([{ number: 1, text: 'two' }]);
  const long = add(log, 'x\n'.repeat(kept));
  expect(long.lines).toHaveLength(kept);
  expect(linesWith(long, '')[0]?.number).toBe(4);
});

test('the trace store knows applications', () => {
  const of = { kind: 'service' as const, namespace: 'b', name: 'reviews' };
  expect(
    tracedAs(of, [
      { app: 'reviews', namespace: 'b' },
      { app: 'reviews', namespace: 'b' },
    ]),
  ).toEqual(['reviews.b']);
  expect(tracedAs(of, [{ app: '', namespace: 'b' }])).toEqual(['reviews.b']);
});

test('as CSV: plain numbers, and no share of nothing', () => {
  const rules = [{ kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' }];
  expect(csvText(csvColumns('service'), [node('reviews', { p95: 12.5, errorShare: 0.25, rules, meshed: true })])).toBe(
    'state,name,namespace,requestsPerSecond,bytesPerSecond,errorShare,p95Milliseconds,versions,rules,sidecar\r\n' +
      'healthy,reviews,bookinfo,10,,0.25,12.5,,VirtualService bookinfo/reviews,yes\r\n',
  );
  const lines = csvText(csvColumns('workload'), [node('db', { unit: 'B/s' }), node('idle', { rate: 0 })]).split('\r\n');
  expect(lines.slice(0, 3)).toEqual([
    'state,name,namespace,requestsPerSecond,bytesPerSecond,errorShare,p95Milliseconds,podsReady,pods,rules,sidecar',
    'healthy,db,bookinfo,,10,,,1,1,,no',
    'healthy,idle,bookinfo,0,,,,1,1,,no',
  ]);
});
