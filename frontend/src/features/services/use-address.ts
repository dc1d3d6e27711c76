import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

/** What stands behind the question mark of these pages. */
export interface ServicesSearch {
  readonly q?: string;
  readonly sort?: string;
  readonly state?: string;
  readonly tab?: string;
  readonly range?: string;
  readonly compare?: string;
  readonly direction?: string;
  readonly pod?: string;
  readonly container?: string;
  readonly log?: string;
  readonly errors?: string;
  readonly slow?: string;
}

/** The search of the page, and how to change some of it. Empty texts are left out. */
export function useAddress(): [ServicesSearch, (change: ServicesSearch) => void] {
  const search = useSearch({ strict: false }) as ServicesSearch;
  const navigate = useNavigate();
  const change = useCallback(
    (more: ServicesSearch) =>
      void navigate({
        to: '.',
        replace: true,
        search: ((old: object) => ({
          ...old,
          ...Object.fromEntries(Object.entries(more).map(([key, value]) => [key, value || undefined])),
        })) as never,
      }),
    [navigate],
  );
  return [search, change];
}
