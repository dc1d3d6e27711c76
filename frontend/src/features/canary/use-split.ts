import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { CanaryCandidate, CanarySplit, CanaryTold, SplitEditsOutputBody } from '../../api/generated/types.gen';
import { useElement, useTopic } from '../../api/live/use-live';
import { path, request } from '../../api/request';
import { useSettled } from '../../parts/preview/use-preview';
import { type Shares, sameShares } from './split-math';

const splitKey = (namespace: string, name: string) => ['split', namespace, name] as const;

/** How a service can be divided, and what is measured of the chosen rule. */
export function useSplit(namespace: string, name: string) {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: splitKey(namespace, name),
    queryFn: ({ signal }) => request<CanarySplit>(path`/api/v1/services/${namespace}/${name}/split`, { signal }),
  });
  const [chosen, setChosen] = useState<string>();
  const candidates = query.data?.candidates ?? [];
  const candidate = candidates.find((c) => c.id === chosen) ?? candidates.find((c) => c.id === query.data?.preselected);
  const versions = (query.data?.versions ?? []).map((v) => v.version);
  const topic = useTopic('split', { service: `${namespace}/${name}`, candidate: candidate?.id ?? '' });
  const told = useElement<CanaryTold>(topic, 'state');

  // Somebody changed the rule: its version, and perhaps what can be chosen, are others.
  const asked = candidate && told ? list(versions, told.asked) : undefined;
  const stale = asked !== undefined && candidate !== undefined && !sameShares(asked, list(versions, candidate.weights));
  useEffect(() => {
    if (stale) {
      void client.invalidateQueries({ queryKey: splitKey(namespace, name) });
    }
  }, [stale, client, namespace, name]);

  return {
    query,
    candidates,
    candidate,
    choose: setChosen,
    versions,
    told,
    again: () => client.invalidateQueries({ queryKey: splitKey(namespace, name) }),
  };
}

export const list = (versions: readonly string[], weights: Readonly<Record<string, number>>): number[] =>
  versions.map((v) => weights[v] ?? 0);

/**
 * The entries of the change that gives these shares. While they are being made those of the
 * shares before stay, and `behind` says so: they must not be written for these.
 */
export function useSplitEntries(
  service: { namespace: string; name: string },
  candidate: CanaryCandidate | undefined,
  versions: readonly string[],
  shares: Shares | undefined,
) {
  const body =
    candidate && shares
      ? JSON.stringify({ candidate: candidate.id, weights: Object.fromEntries(versions.map((v, i) => [v, shares[i]])) })
      : '';
  const settled = useSettled(body, 120);
  const query = useQuery({
    queryKey: ['split entries', service.namespace, service.name, settled, candidate?.etag ?? ''],
    queryFn: ({ signal }) =>
      request<SplitEditsOutputBody>(path`/api/v1/services/${service.namespace}/${service.name}/split`, {
        method: 'POST',
        body: JSON.parse(settled),
        signal,
      }),
    enabled: settled !== '' && body !== '',
    placeholderData: (before) => (body === '' ? undefined : before),
    staleTime: 0,
    gcTime: 0,
  });
  return {
    entries: query.data?.entries ?? [],
    error: query.error,
    behind: settled !== body || query.isPlaceholderData || query.isPending,
  };
}
