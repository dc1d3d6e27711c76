import type { LiveProxy } from '../api/generated/types.gen';

type Answering = Pick<LiveProxy, 'types'>;

/**
 * How long proxies took to answer what they were sent last, each type of configuration by itself:
 * so many of a hundred answers took no longer. In milliseconds.
 */
export function answerTime(proxies: readonly Answering[], percent: number): number | undefined {
  const answers = proxies
    .flatMap((p) =>
      (p.types ?? []).flatMap(({ sent, acked }) =>
        sent.at && acked.at && sent.nonce === acked.nonce
          ? [Math.max(0, Date.parse(acked.at) - Date.parse(sent.at))]
          : [],
      ),
    )
    .sort((a, b) => a - b);
  return answers[Math.max(0, Math.ceil((percent / 100) * answers.length) - 1)];
}

/** How the certificates stand that proxies present. */
export interface Certificates {
  /** The end that is nearest, and when that certificate is due to be renewed. */
  readonly ends: number;
  readonly renews: number;
  readonly ended: number;
  /** Due to be renewed more than a minute ago, and not over yet. */
  readonly overdue: number;
}

const minute = 60_000;

/** Nothing while no proxy has shown its certificate. */
export function certificatesOf(
  proxies: readonly Pick<LiveProxy, 'certificateEnds' | 'certificateRenews'>[],
  now: number,
): Certificates | undefined {
  const all = proxies
    .flatMap(({ certificateEnds, certificateRenews }) =>
      certificateEnds && certificateRenews
        ? [{ ends: Date.parse(certificateEnds), renews: Date.parse(certificateRenews) }]
        : [],
    )
    .sort((a, b) => a.ends - b.ends);
  const [first] = all;
  if (!first) {
    return undefined;
  }
  const ended = all.filter(({ ends }) => ends <= now).length;
  return { ...first, ended, overdue: all.filter(({ renews }) => renews + minute < now).length - ended };
}

/** Whether a version is older than another one; nobody knows of what is not numbers. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((v) => v.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const [x = 0, y = 0] = [a?.[i], b?.[i]];
    if (x !== y) {
      return x < y;
    }
  }
  return false;
}

/** Versions without doubles, the oldest first. */
export const oldestFirst = (versions: readonly string[]): string[] =>
  [...new Set(versions)].sort((a, b) => Number(isOlder(b, a)) - Number(isOlder(a, b)));

/** The newest of some versions; '' where none is known. */
export const newest = (versions: readonly (string | undefined)[]): string =>
  versions.reduce<string>((best, v) => (v && (best === '' || isOlder(best, v)) ? v : best), '');

/** The word that occurs most often; '' does not count. */
export function mostFrequent(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words.filter(Boolean)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0] ?? '';
}
