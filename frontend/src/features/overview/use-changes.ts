import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { changesOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { HistoryChange } from '../../api/generated/types.gen';
import type { LiveEvent } from '../../api/live/protocol';
import { useEvents, useTopic } from '../../api/live/use-live';

const latest = { query: { limit: 20 } };
const none: readonly HistoryChange[] = [];

/** The latest changes, the newest first; asked for anew whenever one was made. */
export function useChanges() {
  const client = useQueryClient();
  const options = changesOptions(latest);
  const query = useQuery(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is the same at each call
  const again = useCallback(() => void client.invalidateQueries({ queryKey: options.queryKey }), [client]);
  const each = useCallback((event: LiveEvent) => event.type === 'change' && again(), [again]);
  useEvents(useTopic('events'), each, again);
  return { query, changes: query.data?.items ?? none, again };
}
