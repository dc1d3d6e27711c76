import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { changesOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { HistoryChange } from '../../api/generated/types.gen';
import type { LiveEvent } from '../../api/live/protocol';
import { useEvents, useTopic } from '../../api/live/use-live';
import { path, request } from '../../api/request';
import { changeInScope } from '../../lib/scope';
import { useScope } from '../../ui/use-scope';

const latest = { query: { limit: 20 } };
const oneChange = ['change'];
const none: readonly HistoryChange[] = [];

/** The latest changes of what is looked at, the newest first; asked for anew whenever one was made. */
export function useChanges() {
  const client = useQueryClient();
  const scope = useScope();
  const options = changesOptions(latest);
  const query = useQuery(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is the same at each call
  const again = useCallback(() => {
    void client.invalidateQueries({ queryKey: options.queryKey });
    // An older one may be taken back by now.
    void client.invalidateQueries({ queryKey: oneChange });
  }, [client]);
  const each = useCallback((event: LiveEvent) => event.type === 'change' && again(), [again]);
  useEvents(useTopic('events'), each, again);
  const all = query.data?.items ?? none;
  const changes = useMemo(() => all.filter((c) => changeInScope(scope, c)), [all, scope]);
  return { query, all, changes, again };
}

/** The changes of these numbers: those at hand, and the others asked for one by one. */
export function useNamed(ids: readonly string[], atHand: readonly HistoryChange[]): readonly HistoryChange[] {
  const missing = ids.filter((id) => !atHand.some((c) => c.id === id));
  const found = useQueries({
    queries: missing.map((id) => ({
      queryKey: [...oneChange, id],
      queryFn: ({ signal }: { signal: AbortSignal }) => request<HistoryChange>(path`/api/v1/changes/${id}`, { signal }),
    })),
  });
  return [...atHand, ...found.flatMap((q) => q.data ?? [])];
}
