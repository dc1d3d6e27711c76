import { expect, test } from 'vitest';
import { latest, ratio, times, withGaps } from './series';

test('what was not measured is a gap', () => {
  expect(
    withGaps(
      [
        [0, 1],
        [30, 2],
        [120, 3],
      ],
      30,
    ),
  ).toEqual([
    [0, 1],
    [30, 2],
    [60, null],
    [120, 3],
  ]);
  expect(withGaps([], 30)).toEqual([]);
});

test('a share is of what was asked at the same time', () => {
  expect(
    ratio(
      [[30, 1]],
      [
        [0, 4],
        [30, 4],
        [60, 0],
      ],
    ),
  ).toEqual([
    [0, 0],
    [30, 0.25],
    [60, null],
  ]);
  expect(
    times(
      [
        [0, 0.5],
        [30, null],
      ],
      100,
    ),
  ).toEqual([
    [0, 50],
    [30, null],
  ]);
});

test('the last value is the last one that was measured', () => {
  expect(
    latest([
      [0, 1],
      [30, 2],
      [60, null],
    ]),
  ).toBe(2);
  expect(latest([])).toBe(null);
});
