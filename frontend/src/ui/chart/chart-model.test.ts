import { expect, test } from 'vitest';
import { align, largest, lastOf, logTicks, roundBelow, ticks } from './chart-model';

test('series of different times share one axis, with gaps', () => {
  const { xs, ys } = align([
    [
      [10, 1],
      [20, 2],
    ],
    [
      [20, 5],
      [30, null],
    ],
  ]);
  expect(xs).toEqual([10, 20, 30]);
  expect(ys).toEqual([
    [1, 2, null],
    [null, 5, null],
  ]);
  expect(largest(ys)).toBe(5);
});

test('ticks are round, from zero', () => {
  expect([0, 0.7, 1.7, 9.9, 141, 1290].map(roundBelow)).toEqual([0, 0.6000000000000001, 1.5, 8, 100, 1000]);
  expect(ticks(150, 3)).toEqual([0, 60, 100]);
  expect(ticks(0, 3)).toEqual([0]);
  expect(logTicks(3, 2000)).toEqual([10, 100, 1000]);
});

test('the last value that there is', () => {
  expect(
    lastOf([
      [1, 4],
      [2, null],
    ]),
  ).toBe(4);
  expect(lastOf([])).toBeNull();
});
