import { expect, test } from 'vitest';
import { scene } from './scene';
import { walk } from './walk';

const node = (id: string) => ({ id, namespace: 'shop', state: 'healthy' as const, idle: false });
const edge = (source: string, target: string) => ({
  id: `${source} > ${target}`,
  source,
  target,
  state: 'healthy' as const,
  idle: false,
});
const drawn = scene(
  ['page', 'reviews', 'details', 'ratings', 'alone'].map(node),
  [edge('page', 'reviews'), edge('page', 'details'), edge('reviews', 'ratings')],
  { namespaces: [], collapsed: new Set(), hide: new Set() },
);
const at = new Map([
  ['page', { x: 0, y: 100 }],
  ['reviews', { x: 300, y: 90 }],
  ['details', { x: 300, y: 300 }],
  ['ratings', { x: 600, y: 90 }],
  ['alone', { x: 600, y: 320 }],
]);

test.each([
  ['page', 'ArrowRight', 'reviews'],
  ['reviews', 'ArrowRight', 'ratings'],
  ['ratings', 'ArrowLeft', 'reviews'],
  ['details', 'ArrowLeft', 'page'],
  ['reviews', 'ArrowDown', 'details'],
  ['details', 'ArrowUp', 'reviews'],
  ['details', 'ArrowRight', 'alone'],
  ['alone', 'ArrowLeft', 'details'],
  ['page', 'ArrowLeft', undefined],
] as const)('from %s by %s to %s', (from, key, to) => {
  expect(walk(drawn, at, from, key)).toBe(to);
});
