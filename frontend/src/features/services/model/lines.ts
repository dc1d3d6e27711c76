import type { MetricsSeries, SeriesAnswer } from '../../../api/generated/types.gen';
import { type Point, ratio, times, withGaps } from '../../../lib/series';

export interface Line {
  /** A version; '' for all together. */
  readonly label: string;
  readonly points: readonly Point[];
}

const pointsOf = (series: MetricsSeries | undefined): Point[] =>
  (series?.points ?? []).flatMap((p) => (p ? [p as Point] : []));

const numeric = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

/** The lines of one figure, by version where the answer has versions, the stable one first. */
export function linesOf(answer: SeriesAnswer, name: MetricsSeries['name']): Line[] {
  return (answer.series ?? [])
    .filter((s) => s.name === name)
    .map((s) => ({ label: s.version ?? '', points: withGaps(pointsOf(s), answer.step) }))
    .filter((line) => line.points.length > 0)
    .sort((a, b) => numeric(a.label, b.label));
}

/** Error shares as per cent, by version. */
export function errorLines(answer: SeriesAnswer): Line[] {
  const errors = (answer.series ?? []).filter((s) => s.name === 'errors');
  return linesOf(answer, 'requests').map(({ label, points }) => ({
    label,
    points: times(ratio(pointsOf(errors.find((e) => (e.version ?? '') === label)), points), 100),
  }));
}

export const ranges = { '15m': '10s', '1h': '30s', '6h': '2m', '24h': '5m' } as const;
export type Range = keyof typeof ranges;
