import { useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { type Scope, type ScopeSearch, scopeOf } from '../lib/scope';

/** The namespaces and the time window that the masthead shows and the address carries. */
export function useScope(): Scope {
  const { ns, window } = useSearch({ strict: false }) as ScopeSearch;
  return useMemo(() => scopeOf({ ...(ns ? { ns } : {}), ...(window ? { window } : {}) }), [ns, window]);
}
