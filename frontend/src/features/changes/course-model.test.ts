import { expect, test } from 'vitest';
import type { MetricsSeries } from '../../api/generated/types.gen';
import { failed, sharesOf } from './course-model';

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
