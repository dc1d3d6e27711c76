import type { LiveProxy } from '../../api/generated/types.gen';
import { useSelected, useTopic } from '../../api/live/use-live';
import { mostFrequent } from '../../lib/proxy-figures';

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
  const revisions = list.map((p) => p.revision ?? '');
  return {
    all: list.length,
    synced: list.filter((p) => p.settled && !p.refused?.length).length,
    rejected,
    revision: mostFrequent(revisions).slice(0, 6),
  };
}

export const useProxyCounts = (): ProxyCounts => useSelected(useTopic('proxies'), countProxies);
