/** Points of a series as the server sends them: seconds since 1970, and a value. */
export type Points = readonly (readonly [number, number | null])[];

/** Brings series of different times to one x axis; where a series has no value there is a gap. */
export function align(all: readonly Points[]): { xs: number[]; ys: (number | null)[][] } {
  const xs = [...new Set(all.flatMap((points) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const at = new Map(xs.map((x, i) => [x, i]));
  const ys = all.map((points) => {
    const row: (number | null)[] = xs.map(() => null);
    for (const [x, y] of points) {
      row[at.get(x) ?? 0] = y;
    }
    return row;
  });
  return { xs, ys };
}

/** The largest round number that is not above v: 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten. */
export function roundBelow(v: number): number {
  if (!(v > 0)) {
    return 0;
  }
  const power = 10 ** Math.floor(Math.log10(v));
  const lead = v / power + 1e-9;
  return ([8, 6, 5, 4, 3, 2.5, 2, 1.5, 1].find((k) => k <= lead) ?? 1) * power;
}

/** Two or three ticks from zero at equal distances: the last is round, and near the top. */
export function ticks(most: number, wanted: number): number[] {
  const top = roundBelow(most * 0.94);
  return top > 0 ? Array.from({ length: wanted }, (_, i) => (top * i) / (wanted - 1)) : [0];
}

/** Ticks of a logarithmic axis: the powers of ten within. */
export function logTicks(low: number, high: number): number[] {
  const made: number[] = [];
  for (let k = Math.ceil(Math.log10(low)); 10 ** k <= high; k++) {
    made.push(10 ** k);
  }
  return made;
}

/** What stands at a tick: 30, 2.5, 1.5k. */
export const tickText = (v: number): string =>
  v >= 1000 ? `${Number((v / 1000).toPrecision(3))}k` : String(Number(v.toPrecision(3)));

/**
 * Moves labels apart that would lie on each other: downwards, and up again where they would
 * leave the room. They come from above to below, and so do the answers.
 */
export function apart(at: readonly number[], height: number, top: number, bottom: number): number[] {
  const placed: number[] = [];
  for (const y of at) {
    placed.push(Math.max(Math.min(y, bottom), (placed.at(-1) ?? top - height) + height));
  }
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i] = Math.min(placed[i] ?? 0, (placed[i + 1] ?? bottom + height) - height);
  }
  return placed;
}

/** Which of so many points a key leads to, from the one that is told; undefined when it leads nowhere. */
export function pointByKey(key: string, from: number, count: number): number | undefined {
  const to: Record<string, number> = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count - 1 };
  const at = to[key];
  return at === undefined || count === 0 ? undefined : Math.max(0, Math.min(count - 1, at));
}

export const largest = (ys: readonly (readonly (number | null)[])[]): number =>
  ys.reduce((most, row) => row.reduce<number>((m, y) => Math.max(m, y ?? 0), most), 0);

/** The last value of a series, for the end of its line. */
export const lastOf = (points: Points): number | null => points.findLast(([, y]) => y !== null)?.[1] ?? null;
