import type { CanaryMeasured } from '../../api/generated/types.gen';

/** From these on a version is in another state than a healthy one. */
const degradedFrom = 0.01;
const failingFrom = 0.1;
const slowFrom = 3;
/** Fewer requests say nothing of a state. */
const enough = 20;

/** How a version does against the stable one. */
export interface Versus {
  /** How many more of its requests fail, as a share of one. */
  readonly errors: number;
  /** How many times as long its p95 takes, in two digits: "2.1", "28". */
  readonly slower: string | undefined;
  /** It is slow enough to be told beside its errors. */
  readonly slow: boolean;
}

type Measured = CanaryMeasured | undefined;

/** Undefined where one of the two got no request. */
export function compare(version: Measured, stable: Measured): Versus | undefined {
  if (!version || !stable || version.n === 0 || stable.n === 0) {
    return undefined;
  }
  const times = version.p95 && stable.p95 ? version.p95 / stable.p95 : undefined;
  return {
    errors: version.errorShare - stable.errorShare,
    slower: times === undefined ? undefined : times.toFixed(times < 9.95 ? 1 : 0),
    slow: times !== undefined && times >= slowFrom,
  };
}

type Trouble = 'failing' | 'degraded' | undefined;

/** The state of a version by its errors; undefined where that is nothing to tell. */
export function stateOf(version: Measured): Trouble {
  if (!version || version.n < enough || version.errorShare < degradedFrom) {
    return undefined;
  }
  return version.errorShare < failingFrom ? 'degraded' : 'failing';
}

/** What was counted at pods of none of the versions; undefined where nothing was. */
export function othersOf(
  versions: readonly string[],
  measured: Readonly<Record<string, CanaryMeasured>>,
): CanaryMeasured | undefined {
  const rest = Object.entries(measured).flatMap(([v, m]) => (versions.includes(v) || m.n === 0 ? [] : m));
  const sum = (of: (m: CanaryMeasured) => number) => rest.reduce((total, m) => total + of(m), 0);
  const n = sum((m) => m.n);
  return n === 0
    ? undefined
    : { n, pct: sum((m) => m.pct), rps: sum((m) => m.rps), errorShare: sum((m) => m.errorShare * m.n) / n };
}
