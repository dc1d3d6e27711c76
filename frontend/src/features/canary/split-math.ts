/** Shares of versions in whole percent, in the order in which they are drawn; together 100. */
export type Shares = readonly number[];

const clamp = (v: number, least: number, most: number) => Math.max(least, Math.min(most, v));

/** Where each share ends on the scale from 0 to 100. */
export function ends(shares: Shares): number[] {
  let sum = 0;
  return shares.map((share) => {
    sum += share;
    return sum;
  });
}

/** Moves the boundary after version i: only its two neighbours change, so the total stays 100. */
export function moveBoundary(shares: Shares, i: number, to: number): number[] {
  const at = ends(shares);
  const from = at[i - 1] ?? 0;
  const until = at[i + 1] ?? 100;
  const place = clamp(Math.round(to), from, until);
  return shares.map((share, k) => (k === i ? place - from : k === i + 1 ? until - place : share));
}

/**
 * Gives version i the share v. The stable version pays first, or gets what is left over, then
 * the others from the largest down.
 */
export function setShare(shares: Shares, i: number, v: number, stable: number): number[] {
  const next = [...shares];
  next[i] = clamp(Math.round(Number.isFinite(v) ? v : 0), 0, 100);
  let rest = 100 - next.reduce((sum, share) => sum + share, 0);
  const others = next.map((_, k) => k).filter((k) => k !== i);
  others.sort((a, b) => Number(b === stable) - Number(a === stable) || (next[b] ?? 0) - (next[a] ?? 0) || a - b);
  for (const k of others) {
    const share = next[k] ?? 0;
    const change = Math.max(-share, rest);
    next[k] = share + change;
    rest -= change;
  }
  return next;
}

export const sameShares = (a: Shares, b: Shares): boolean => a.length === b.length && a.every((v, i) => v === b[i]);

/** The version that the others are held against: the one with the most, the first of equals. */
export function stableOf(shares: Shares): number {
  return Math.max(
    0,
    shares.reduce((best, share, i) => (share > (shares[best] ?? 0) ? i : best), 0),
  );
}

/** The version whose share is farthest from what was asked, and by how many points. */
export function widestGap(asked: Shares, measured: Shares): number {
  let widest = 0;
  const gap = (i: number) => Math.abs((asked[i] ?? 0) - (measured[i] ?? 0));
  asked.forEach((_, i) => {
    if (gap(i) > gap(widest)) {
      widest = i;
    }
  });
  return widest;
}

/** The keys of a slider, as a move from where the boundary is; undefined for other keys. */
export function keyMove(key: string): number | undefined {
  return { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -100, End: 100 }[
    key
  ];
}
