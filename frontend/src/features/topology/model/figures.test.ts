import { expect, test } from 'vitest';
import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { isQuiet, namespaceFigures, threadFigures, worst } from './figures';
import { figuresByNamespace } from './namespaces';
import { cardHeight, levelOf } from './sizes';

const edge = (more: Partial<GraphLiveEdge>): GraphLiveEdge => ({
  id: 'a > b : http',
  source: 'a',
  target: 'b',
  protocol: 'http',
  rate: 10,
  errors: 0,
  errorShare: 0,
  reporters: null,
  health: { state: 'healthy' },
  ...more,
});
const node = (more: Partial<GraphLiveNode>): GraphLiveNode => ({
  id: 'a',
  kind: 'service',
  name: 'a',
  namespace: 'shop',
  rate: 10,
  errorShare: 0,
  unit: 'rps',
  pods: { ready: 1, total: 1 },
  health: { state: 'healthy' },
  ...more,
});

test('a thread adds up its edges', () => {
  const figures = threadFigures([
    edge({ rate: 30, errors: 3, p95: 20, mutualTLS: 1 }),
    edge({ protocol: 'grpc', rate: 10, errors: 1, p95: 80, mutualTLS: 0, health: { state: 'failing' } }),
  ]);
  expect(figures).toMatchObject({ rate: 40, errorShare: 0.1, p95: 80, state: 'failing', mutualTls: 'some' });
  expect(figures.bytes).toBeUndefined();
  expect(figures.protocols).toEqual(['grpc', 'http']);
});

test('a thread of TCP shows bytes', () => {
  const figures = threadFigures([edge({ protocol: 'tcp', rate: 2, sentBytes: 300, receivedBytes: 100 })]);
  expect(figures).toMatchObject({ rate: 0, bytes: 400 });
  expect(figures.mutualTls).toBeUndefined();
});

test('the worst state counts; one idle part makes nothing idle', () => {
  expect(worst(['idle', 'healthy'])).toBe('healthy');
  expect(worst(['healthy', 'degraded', 'failing'])).toBe('failing');
  expect(worst(['idle', 'idle'])).toBe('idle');
  expect(worst([])).toBe('unknown');
});

test('a namespace shows what comes into it', () => {
  const elements = new Map<string, unknown>([
    ['n:a', node({ id: 'a' })],
    ['n:b', node({ id: 'b', namespace: 'other', health: { state: 'degraded' } })],
    ['n:c', node({ id: 'c', namespace: 'other' })],
    ['e:1', edge({ source: 'a', target: 'b', rate: 7 })],
    ['e:2', edge({ source: 'b', target: 'c', rate: 100 })],
  ]);
  const figures = figuresByNamespace(elements);
  expect(figures.get('other')).toMatchObject({ rate: 7, state: 'degraded', states: ['degraded', 'healthy'] });
  expect(figuresByNamespace(elements)).toBe(figures);
  expect(namespaceFigures([node({ rate: 3 }), node({ rate: 12 })], [])).toMatchObject({ rate: 12 });
});

test('what has nothing to show', () => {
  expect(isQuiet(node({ health: { state: 'idle' } }))).toBe(true);
  expect(isQuiet(node({ rate: 0, health: { state: 'unknown' } }))).toBe(true);
  expect(isQuiet(node({ health: { state: 'unknown' } }))).toBe(false);
  expect(isQuiet(node({ rate: 0, health: { state: 'failing' } }))).toBe(false);
});

test('heights of cards, as the style sheet makes them', () => {
  const heights = [1, 2, 3, 4, 7].map((versions) => cardHeight({ kind: 'node', versions }, 'near'));
  expect(heights).toEqual([91, 144, 164, 184, 204]);
  expect(cardHeight({ kind: 'quiet', versions: 2 }, 'near')).toBe(60);
  expect(cardHeight({ kind: 'node', versions: 2 }, 'middle')).toBe(63);
  expect(cardHeight({ kind: 'node', versions: 2 }, 'far')).toBe(58);
  expect([1, 0.8, 0.79, 0.45, 0.44].map(levelOf)).toEqual(['near', 'near', 'middle', 'middle', 'far']);
});
