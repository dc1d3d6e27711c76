/** A point of a series: seconds since 1970, and a value; null where nothing was measured. */
export type Point = readonly [at: number, value: number | null];

/** Puts a gap where points are missing, so that a line does not cross what was not measured. */
export function withGaps(points: readonly Point[], step: number): Point[] {
  const out: Point[] = [];
  for (const point of points) {
    const before = out.at(-1);
    if (before && point[0] - before[0] > step * 1.5) {
      out.push([before[0] + step, null]);
    }
    out.push(point);
  }
  return out;
}

/** One series divided by another, point by point: errors by requests. Nothing of nothing is a gap. */
export function ratio(part: readonly Point[], whole: readonly Point[]): Point[] {
  const at = new Map(part.map(([x, y]) => [x, y]));
  return whole.map(([x, all]) => [x, all ? Math.min(1, (at.get(x) ?? 0) / all) : null]);
}

/** A series times a number: shares as per cent. */
export const times = (points: readonly Point[], by: number): Point[] =>
  points.map(([x, y]) => [x, y === null ? null : y * by]);

/** The last value of a series. */
export const latest = (points: readonly Point[]): number | null => points.findLast(([, y]) => y !== null)?.[1] ?? null;
