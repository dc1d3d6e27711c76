import type { MetricsSeries } from '../../api/generated/types.gen';

type Point = [number, number];
const present = (s: MetricsSeries): Point[] => (s.points ?? []).filter((p): p is Point => p !== null);

/** The share of each version in the requests, in percent, at each time. */
export function sharesOf(series: readonly MetricsSeries[]): { version: string; points: Point[] }[] {
  const requests = series.filter((s) => s.name === 'requests' && s.version);
  const total = new Map<number, number>();
  for (const s of requests) {
    for (const [at, v] of present(s)) {
      total.set(at, (total.get(at) ?? 0) + v);
    }
  }
  return requests
    .map((s) => ({
      version: s.version ?? '',
      points: present(s).flatMap(([at, v]): Point[] => {
        const all = total.get(at) ?? 0;
        return all > 0 ? [[at, (v / all) * 100]] : [];
      }),
    }))
    .sort((a, b) => (a.version < b.version ? -1 : 1));
}

/** Requests that failed, a second, of all versions together. */
export function failed(series: readonly MetricsSeries[]): Point[] {
  const sum = new Map<number, number>();
  for (const s of series) {
    if (s.name === 'errors') {
      for (const [at, v] of present(s)) {
        sum.set(at, (sum.get(at) ?? 0) + v);
      }
    }
  }
  return [...sum].sort((a, b) => a[0] - b[0]);
}

/** How long a course begins before its change, and how long it goes on after it, in seconds. */
const lead = 240;
const whole = 600;

/**
 * The time that the course of a change is of, in seconds since 1970: it goes on with the clock
 * until all of it has come, and stays.
 */
export function rangeOf(at: number, now: number): { end: number; ended: boolean } {
  const end = at - lead + whole;
  return now >= end ? { end, ended: true } : { end: now, ended: false };
}

/** Length of a course. */
export const long = whole;

/** What was asked of a version at the times of a line: from before the change, to since. */
export function askedAt(points: readonly Point[], at: number, { from, to }: { from: number; to: number }): Point[] {
  return points.map(([time]) => [time, time < at ? from : to]);
}
