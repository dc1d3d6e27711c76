import { expect, test } from 'vitest';
import type { MetricsSeries } from '../../api/generated/types.gen';
import { askedAt, failed, long, rangeOf, sharesOf } from './course-model';

const series = (name: MetricsSeries['name'], version: string, points: MetricsSeries['points']): MetricsSeries => ({
  name,
  version,
  points,
  unit: '1/s',
});

test('shares add up where there was traffic', () => {
  expect(
    sharesOf([
      series('requests', 'v2', [[1, 3], [2, 0], null]),
      series('requests', 'v1', [[1, 9], [2, 0], null]),
      series('errors', 'v1', [[1, 9]]),
    ]),
  ).toEqual([
    { version: 'v1', points: [[1, 75]] },
    { version: 'v2', points: [[1, 25]] },
  ]);
});

test('failures of all versions are one line', () => {
  expect(
    failed([
      series('errors', 'v1', [
        [2, 1],
        [1, 0.5],
      ]),
      series('errors', 'v2', [[1, 1], null]),
    ]),
  ).toEqual([
    [1, 1.5],
    [2, 1],
  ]);
});

test('a course runs on with the clock until ten minutes around its change are told, and stays', () => {
  const at = 10_000;
  expect(rangeOf(at, at + 5)).toEqual({ end: at + 5, ended: false });
  const { end, ended } = rangeOf(at, at + 86_400);
  expect(ended).toBe(true);
  expect(end).toBeGreaterThan(at);
  expect(end - long).toBeLessThan(at);
  expect(rangeOf(at, end)).toEqual({ end, ended: true });
});

test('what was asked is told at the same times as what came', () => {
  const points: [number, number][] = [
    [9, 1],
    [10, 2],
    [11, 30],
  ];
  expect(askedAt(points, 10, { from: 0, to: 30 })).toEqual([
    [9, 0],
    [10, 30],
    [11, 30],
  ]);
});
