import { expect, test } from 'vitest';
import { compare, othersOf, stateOf } from './versus';

const measured = (n: number, errorShare: number, p95?: number) => ({
  n,
  pct: 50,
  rps: n / 10,
  errorShare,
  ...(p95 === undefined ? {} : { p95 }),
});
const stable = measured(700, 0, 41);

test('a version is held against the stable one by errors and by p95', () => {
  expect(compare(measured(200, 0.079, 1140), stable)).toEqual({ errors: 0.079, slower: '28', slow: true });
  expect(compare(measured(100, 0.004, 88), stable)).toEqual({ errors: 0.004, slower: '2.1', slow: false });
  expect(compare(measured(100, 0.004), stable)).toEqual({ errors: 0.004, slower: undefined, slow: false });
  expect(compare(measured(0, 0), stable)).toBeUndefined();
  expect(compare(measured(10, 0), undefined)).toBeUndefined();
});

test('its state is by errors, and a few requests say nothing', () => {
  expect(stateOf(measured(100, 0.1))).toBe('failing');
  expect(stateOf(measured(100, 0.01))).toBe('degraded');
  expect(stateOf(measured(100, 0.009))).toBeUndefined();
  expect(stateOf(measured(19, 0.5))).toBeUndefined();
  expect(stateOf(undefined)).toBeUndefined();
});

test('what went to pods of none of the versions is added up', () => {
  expect(othersOf(['v1'], { v1: stable })).toBeUndefined();
  expect(othersOf(['v1'], { v1: stable, x: measured(0, 0) })).toBeUndefined();
  expect(othersOf(['v1'], { v1: stable, x: measured(30, 0.1), '': measured(10, 0.5) })).toEqual({
    n: 40,
    pct: 100,
    rps: 4,
    errorShare: 0.2,
  });
});
