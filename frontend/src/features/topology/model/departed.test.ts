import { expect, test } from 'vitest';
import { departed, departedFor, nextToGo, nobody } from './departed';

const edge = (source: string, target: string) => ({ source, target, rate: 9, p95: 3, health: { state: 'healthy' } });
const whole = new Map<string, unknown>([
  ['meta', {}],
  ['n:a', { name: 'a' }],
  ['n:b', { name: 'b' }],
  ['n:c', { name: 'c' }],
  ['e:a > b', edge('a', 'b')],
  ['e:a > c', edge('a', 'c')],
]);
const without = (...keys: string[]) => new Map([...whole].filter(([key]) => !keys.includes(key)));

test('who leaves is remembered with its threads, for a minute', () => {
  const gone = departed(nobody, whole, without('n:b', 'e:a > b'), 1000);
  expect([...gone.keys()]).toEqual(['n:b', 'e:a > b']);
  expect(gone.get('e:a > b')?.element).toMatchObject({ rate: 0, health: { state: 'idle' } });
  expect(nextToGo(gone)).toBe(1000 + departedFor);
  const later = without('n:b', 'e:a > b');
  expect(departed(gone, later, later, 1000 + departedFor - 1)).toBe(gone);
  expect(departed(gone, later, later, 1000 + departedFor).size).toBe(0);
});

test('who comes back is there again', () => {
  const gone = departed(nobody, whole, without('n:b', 'e:a > b'), 1000);
  expect(departed(gone, without('n:b', 'e:a > b'), whole, 2000).size).toBe(0);
});

test('a thread alone that ends is not remembered, nor one whose other end is not there', () => {
  expect(departed(nobody, whole, without('e:a > b'), 0)).toBe(nobody);
  const gone = departed(nobody, whole, without('n:b', 'e:a > b'), 0);
  const both = departed(gone, without('n:b', 'e:a > b'), without('n:a', 'n:b', 'e:a > b', 'e:a > c'), 30_000);
  expect([...both.keys()].sort()).toEqual(['e:a > b', 'e:a > c', 'n:a', 'n:b']);
  const rest = without('n:a', 'n:b', 'e:a > b', 'e:a > c');
  // b goes first, and with it what ran to it.
  expect([...departed(both, rest, rest, departedFor).keys()].sort()).toEqual(['e:a > c', 'n:a']);
});

test('a graph that is not told yet makes nobody leave', () => {
  expect(departed(nobody, whole, new Map(), 0)).toBe(nobody);
});
