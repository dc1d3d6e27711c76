import { list, oneOf } from '../../../lib/search';
import type { Health } from '../../../ui/glyph';

/** What the address says of the picture. */
export interface TopologySearch {
  mode?: string;
  labels?: string;
  find?: string;
  /** States that are left out. */
  hide?: string;
  /** Namespaces drawn as one card; "-" is none, nothing is as many as is sensible. */
  closed?: string;
  /** The selected card or thread. */
  sel?: string;
  /** The card whose neighbourhood is shown. */
  around?: string;
  view?: string;
  rows?: string;
  sort?: string;
  tab?: string;
  /** Where traffic is shifted: "panel", or the card of a service. */
  shift?: string;
}

const states = ['healthy', 'degraded', 'failing', 'idle', 'unknown'] as const;

export const hiddenStates = (hide: string | undefined): ReadonlySet<Health> =>
  new Set(list(hide).flatMap((word) => states.find((s) => s === word) ?? []));

export const pick = oneOf;

/** Above so many nodes all namespaces begin collapsed. */
const mostOpen = 60;

/** The collapsed namespaces: those that the address names, or all where there are too many nodes. */
export function closedNamespaces(
  closed: string | undefined,
  nodes: readonly { namespace?: string | undefined }[],
): ReadonlySet<string> {
  if (closed === '-') {
    return new Set();
  }
  if (closed) {
    return new Set(list(closed));
  }
  return new Set(nodes.length > mostOpen ? nodes.flatMap((n) => n.namespace || []) : []);
}

/** The collapsed namespaces as the address says them. */
export const closedText = (closed: Iterable<string>): string => [...closed].sort().join(',') || '-';
