import type { LiveProxy } from '../../api/generated/types.gen';
import { useSelected, useTopic } from '../../api/live/use-live';

export interface ProxyCounts {
  readonly all: number;
  readonly synced: number;
  readonly rejected: number;
  /** The revision that most proxies have, its first six digits. */
  readonly revision: string;
}

export function countProxies(proxies: ReadonlyMap<string, LiveProxy>): ProxyCounts {
  const list = [...proxies.values()];
  const rejected = list.filter((p) => (p.refused?.length ?? 0) > 0).length;
  const revisions = list.map((p) => p.revision ?? '').filter(Boolean);
  return {
    all: list.length,
    synced: list.filter((p) => p.settled && !p.refused?.length).length,
    rejected,
    revision: mostFrequent(revisions).slice(0, 6),
  };
}

function mostFrequent(words: string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0] ?? '';
}

export const useProxyCounts = (): ProxyCounts => useSelected(useTopic('proxies'), countProxies);
