import { list, oneOf } from './search';

/** The time windows that figures can be of. */
export const windows = ['5m', 'live', '1m', '15m', '1h'] as const;
export type Window = (typeof windows)[number];

/** What every page's address may carry: the namespaces that are looked at, and the time window. */
export interface Scope {
  /** Namespaces; empty means all. */
  readonly namespaces: readonly string[];
  readonly window: Window;
}

export interface ScopeSearch {
  ns?: string;
  window?: string;
}

export const scopeOf = (search: ScopeSearch): Scope => ({
  namespaces: list(search.ns),
  window: oneOf(windows, search.window),
});

/** Whether something of this namespace is looked at. */
export const inScope = (scope: Scope, namespace: string | undefined): boolean =>
  scope.namespaces.length === 0 || scope.namespaces.includes(namespace ?? '');

interface Touching {
  readonly entries?: readonly { readonly ref: { readonly namespace?: string } }[] | null;
}

/** Whether a change touches what is looked at; objects of the whole mesh always do. */
export const changeInScope = (scope: Scope, { entries }: Touching): boolean =>
  scope.namespaces.length === 0 || (entries ?? []).some(({ ref }) => !ref.namespace || inScope(scope, ref.namespace));
