import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { PreviewEntry, Previewed } from '../../api/generated/types.gen';
import { asProblem, type Problem } from '../../api/problem';
import { request } from '../../api/request';

/** A value that has stayed the same for so long. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

export interface PreviewState {
  readonly preview: Previewed | undefined;
  readonly problem: Problem | undefined;
  /** True while what is shown is of entries before these. */
  readonly behind: boolean;
  readonly retry: () => void;
}

/** What a change would do; asked again a moment after the entries changed. Nothing is written. */
export function usePreview(entries: readonly PreviewEntry[]): PreviewState {
  // Equal entries are one question, whoever made the array.
  const key = JSON.stringify(entries);
  const settled = useSettled(key, 150);
  const query = useQuery({
    queryKey: ['preview', settled],
    queryFn: ({ signal }) =>
      request<Previewed>('/api/v1/preview', { method: 'POST', body: { entries: JSON.parse(settled) }, signal }),
    placeholderData: keepPreviousData,
    enabled: settled !== '[]',
    // The mesh may have changed since the same question was asked.
    staleTime: 0,
    gcTime: 0,
  });
  return {
    preview: query.data,
    problem: query.error ? asProblem(query.error) : undefined,
    behind: key !== settled || query.isPlaceholderData || query.isPending,
    retry: () => void query.refetch(),
  };
}
