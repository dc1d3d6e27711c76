import type { LiveObject } from '../../api/generated/types.gen';
import { fullName, placeName } from '../../lib/kinds';
import { inScope, type Scope } from '../../lib/scope';

export const states = ['rejected', 'error', 'warning', 'info', 'ok'] as const;
export type ObjectState = (typeof states)[number];

/** What is wrong comes first. */
export const stateRank = (state: string): number => {
  const at = (states as readonly string[]).indexOf(state);
  return at < 0 ? states.length : at;
};

export interface RuleFilter {
  /** "kind:VirtualService host:reviews", or any words. */
  readonly q?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: string | undefined;
}

const has = (text: string, part: string) => text.toLowerCase().includes(part);

/** What each named term of the filter looks at. */
const terms: Record<string, (o: LiveObject) => readonly string[]> = {
  kind: (o) => [o.ref.kind],
  name: (o) => [o.ref.name],
  namespace: (o) => [o.ref.namespace ?? ''],
  ns: (o) => [o.ref.namespace ?? ''],
  host: (o) => [...(o.hosts ?? []), ...(o.services ?? [])],
  service: (o) => o.services ?? [],
  state: (o) => [o.state],
  by: (o) => [o.changed?.actor ?? ''],
};

const everything = (o: LiveObject) => [fullName(o.ref), ...(o.hosts ?? []), ...(o.services ?? [])];

/** Whether an object is looked for. Each word must be met; "term:word" looks at one thing only. */
export function isFound(o: LiveObject, filter: RuleFilter): boolean {
  if (filter.kind && o.ref.kind !== filter.kind) {
    return false;
  }
  if (filter.state === 'wrong' ? o.state === 'ok' || o.state === 'info' : filter.state && o.state !== filter.state) {
    return false;
  }
  return (filter.q ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => {
      const [, term = '', rest = ''] = /^(\w+):(.*)$/.exec(word) ?? [];
      const looksAt = terms[term];
      return looksAt ? looksAt(o).some((text) => has(text, rest)) : everything(o).some((text) => has(text, word));
    });
}

/** The objects to show, the worst first, then by name. */
export function rowsOf(objects: Iterable<LiveObject>, filter: RuleFilter, scope: Scope): LiveObject[] {
  return [...objects]
    .filter((o) => inScope(scope, o.ref.namespace) && isFound(o, filter))
    .sort(
      (a, b) =>
        stateRank(a.state) - stateRank(b.state) ||
        placeName(a.ref).localeCompare(placeName(b.ref)) ||
        a.ref.kind.localeCompare(b.ref.kind),
    );
}

/** How many objects there are, and how many of them something is wrong with. */
export function tally(objects: readonly LiveObject[]): { all: number; errors: number; warnings: number } {
  return {
    all: objects.length,
    errors: objects.filter((o) => o.state === 'error' || o.state === 'rejected').length,
    warnings: objects.filter((o) => o.state === 'warning').length,
  };
}

/** The kinds that there are objects of. */
export const kindsOf = (objects: readonly LiveObject[]): string[] =>
  [...new Set(objects.map((o) => o.ref.kind))].sort((a, b) => a.localeCompare(b));
