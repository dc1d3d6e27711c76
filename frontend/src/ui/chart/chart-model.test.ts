import { expect, test } from 'vitest';
import { align, apart, largest, lastOf, logTicks, pointByKey, roundBelow, ticks, tickText } from './chart-model';

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
  expect(ticks(150, 3)).toEqual([0, 50, 100]);
  expect(ticks(1.1, 2)).toEqual([0, 1]);
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

test('what stands at a tick has no digits that say nothing', () => {
  expect([0, 0.6000000000000001, 2.5, 30, 150, 1500, 20000].map(tickText)).toEqual([
    '0',
    '0.6',
    '2.5',
    '30',
    '150',
    '1.5k',
    '20k',
  ]);
});

test('labels at the ends of lines lie beside each other, and within', () => {
  expect(apart([10, 50], 13, 0, 100)).toEqual([10, 50]);
  expect(apart([10, 12, 14], 13, 0, 100)).toEqual([10, 23, 36]);
  expect(apart([100, 100, 100], 13, 0, 100)).toEqual([74, 87, 100]);
  expect(apart([], 13, 0, 100)).toEqual([]);
});

test('keys lead from point to point, and not beyond the ends', () => {
  expect(pointByKey('ArrowLeft', 2, 3)).toBe(1);
  expect(pointByKey('ArrowRight', 2, 3)).toBe(2);
  expect([pointByKey('Home', 2, 3), pointByKey('End', 0, 3)]).toEqual([0, 2]);
  expect(pointByKey('ArrowLeft', -1, 0)).toBeUndefined();
  expect(pointByKey('Enter', 1, 3)).toBeUndefined();
});
