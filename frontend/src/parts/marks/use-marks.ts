import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { changesOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { GraphLiveNode, HistoryChange } from '../../api/generated/types.gen';
import { moved } from '../../ui/change-words';
import type { ChartMark } from '../../ui/chart/chart';
import { marksOf, servicesOf } from './marks';

/**
 * What happened to something, as marks on its charts: the last changes about its services, and since
 * when it is wrong. The newest change says what it moved, when it moved a split.
 */
export function useMarks(node: GraphLiveNode | undefined, health = node?.health): readonly ChartMark[] {
  const services = useMemo(() => (node ? servicesOf(node) : []), [node]);
  const answers = useQueries({
    queries: services.map((service) => ({
      ...changesOptions({ query: { limit: 20, service } }),
      refetchInterval: 15_000,
    })),
    combine: changesIn,
  });
  const state = health?.state;
  const since = health?.since;
  return useMemo(() => marksOf(answers, wordOf, state, since), [answers, state, since]);
}

const changesIn = (answers: readonly { data?: { items: HistoryChange[] | null } | undefined }[]): HistoryChange[] =>
  answers.flatMap((answer) => answer.data?.items ?? []);

/** What a change moved: the version that moved most, and to how much. */
function wordOf({ summary }: HistoryChange): string | undefined {
  const [most] = summary.code === 'weights' ? moved(summary.params ?? {}) : [];
  return most && `${most.label} ${most.to} %`;
}
