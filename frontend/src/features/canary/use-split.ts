import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type {
  CanaryCandidate,
  CanarySplit,
  CanaryTold,
  HistoryChange,
  SplitEditsOutputBody,
} from '../../api/generated/types.gen';
import { useElement, useTopic } from '../../api/live/use-live';
import { path, request } from '../../api/request';
import { useSettled } from '../../parts/preview/use-preview';
import { type ServiceName, useSplitChoice, useSplitWritten, type Weights } from './split-drafts';
import { type Shares, sameShares, stableOf } from './split-math';

const splitKey = (namespace: string, name: string) => ['split', namespace, name] as const;

/** What a page's address says of the choice; it goes before what is remembered. */
export interface ChoiceAddress {
  readonly rule?: string | undefined;
  readonly stable?: string | undefined;
  set(choice: { rule: string | undefined; stable: string | undefined }): void;
}

/** How a service can be divided, what is measured of the chosen rule, and the choice. */
export function useSplit({ namespace, name }: ServiceName, address: ChoiceAddress | undefined) {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: splitKey(namespace, name),
    queryFn: ({ signal }) => request<CanarySplit>(path`/api/v1/services/${namespace}/${name}/split`, { signal }),
  });
  const [kept, keep] = useSplitChoice({ namespace, name });
  const candidates = query.data?.candidates ?? [];
  const preselected = query.data?.preselected;
  const find = (id: string | undefined) => candidates.find((c) => c.id === id);
  const candidate = find(address?.rule) ?? find(kept?.rule) ?? find(preselected);
  const versions = (query.data?.versions ?? []).map((v) => v.version);
  // Without a name it is the preselected one, also when that gets its name by being made.
  const named = candidate && candidate.id !== preselected ? candidate.id : '';
  const topic = useTopic('split', { service: `${namespace}/${name}`, candidate: named });
  const told = useElement<CanaryTold>(topic, 'state');

  // Somebody changed the rule: its version, and perhaps what can be chosen, are others.
  const asked = candidate && told ? list(versions, told.asked) : undefined;
  const stale = asked !== undefined && candidate !== undefined && !sameShares(asked, list(versions, candidate.weights));
  useEffect(() => {
    if (stale) {
      void client.invalidateQueries({ queryKey: splitKey(namespace, name) });
    }
  }, [stale, client, namespace, name]);

  const stableOfRule = (of: CanaryCandidate): string | undefined =>
    (find(address?.rule ?? preselected) === of ? address?.stable : undefined) ??
    kept?.stable[of.id] ??
    // A rule that was still to be made has its name now.
    (of.kind === 'mesh' ? kept?.stable.new : undefined);
  const addressOf = (rule: string | undefined) => (rule === preselected ? undefined : rule);

  return {
    query,
    candidates,
    candidate,
    versions,
    /** The last of those that run. */
    newest: (query.data?.versions ?? []).findLastIndex((v) => v.pods > 0),
    told,
    stable: candidate && stableOfRule(candidate),
    /** Without a rule: what is meant unless somebody says otherwise. */
    choose: (rule: string | undefined) => {
      const chosen = find(rule ?? preselected);
      keep((old) => ({ rule, stable: old?.stable ?? {} }));
      address?.set({ rule: addressOf(rule), stable: chosen && kept?.stable[chosen.id] });
    },
    chooseStable: (version: string) => {
      if (candidate) {
        keep((old) => ({ ...old, stable: { ...old?.stable, [candidate.id]: version } }));
        address?.set({ rule: addressOf(candidate.id), stable: version });
      }
    },
    again: () => client.invalidateQueries({ queryKey: splitKey(namespace, name) }),
  };
}

export const list = (versions: readonly string[], weights: Weights): number[] => versions.map((v) => weights[v] ?? 0);

const weightsOf = (versions: readonly string[], shares: Shares): Weights =>
  Object.fromEntries(versions.map((v, i) => [v, shares[i] ?? 0]));

/** The place of the version that the others are held against. */
export function stablePlace(versions: readonly string[], chosen: string | undefined, effect: Shares): number {
  const place = chosen === undefined ? -1 : versions.indexOf(chosen);
  return place < 0 ? stableOf(effect) : place;
}

/** How long what is written may take until the mesh tells of it, in milliseconds. */
const toldWithin = 10_000;

/**
 * What stands: what the mesh says that is asked or, from the moment something was written until
 * the mesh tells of it, that. What was before it is never shown as if it were the new.
 */
export function useStanding(
  service: ServiceName,
  candidate: CanaryCandidate,
  versions: readonly string[],
  told: CanaryTold | undefined,
) {
  const [kept, keep] = useSplitWritten(service);
  const mine =
    kept && (kept.candidate === candidate.id || (kept.candidate === 'new' && candidate.kind === 'mesh'))
      ? kept
      : undefined;
  const said = list(versions, told?.asked ?? candidate.weights);
  const last = mine && list(versions, mine.shares);
  const waiting =
    mine?.waiting === true &&
    !sameShares(said, last ?? []) &&
    mine.passed.some((passed) => sameShares(said, list(versions, passed)));
  // Others wrote after it: it is not the last any more.
  const over = mine !== undefined && !waiting && told !== undefined && last !== undefined && !sameShares(said, last);
  const arrived = mine?.waiting === true && !waiting && !over;
  useEffect(() => {
    if (over) {
      keep(undefined);
    } else if (arrived) {
      keep((old) => old && { ...old, waiting: false });
    }
  }, [over, arrived, keep]);
  // What was taken back at once is never told of.
  useEffect(() => {
    if (waiting) {
      const timer = setTimeout(keep, toldWithin, (old: typeof kept) => old && { ...old, waiting: false });
      return () => clearTimeout(timer);
    }
  }, [waiting, keep]);
  const standing = waiting && last ? last : said;
  return {
    standing,
    /** It is written, and the mesh does not say so yet. */
    waiting,
    /** The change that was written last from here, as long as it stands. */
    change: mine && !over ? mine.change : undefined,
    /** Written from here, and the mesh has not told of it at all. */
    untold: mine !== undefined && told === undefined,
    write: (change: HistoryChange | undefined, shares: Shares) =>
      keep({
        candidate: candidate.id,
        shares: weightsOf(versions, shares),
        before: weightsOf(versions, standing),
        passed: [weightsOf(versions, said), ...(waiting ? [mine.shares, ...mine.passed] : [])],
        waiting: true,
        change,
      }),
    takeBack: () =>
      keep(
        (old) =>
          old && {
            candidate: old.candidate,
            shares: old.before,
            before: old.shares,
            passed: [old.shares, ...old.passed],
            waiting: true,
            change: undefined,
          },
      ),
  };
}

/**
 * The entries of the change that gives these shares. While they are being made those of the
 * shares before stay, and `behind` says so: they must not be written for these.
 */
export function useSplitEntries(
  service: ServiceName,
  candidate: CanaryCandidate | undefined,
  versions: readonly string[],
  shares: Shares | undefined,
) {
  const body =
    candidate && shares ? JSON.stringify({ candidate: candidate.id, weights: weightsOf(versions, shares) }) : '';
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
