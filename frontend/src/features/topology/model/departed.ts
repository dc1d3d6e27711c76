import type { GraphLiveEdge } from '../../../api/generated/types.gen';

type Elements = ReadonlyMap<string, unknown>;

/** What left the graph a short while ago, by the key of its element: how it was, and when it left. */
export type Departed = ReadonlyMap<string, { readonly element: unknown; readonly at: number }>;

/** So long what left is still drawn, in milliseconds: somebody may be looking at it. */
export const departedFor = 60_000;

export const nobody: Departed = new Map();

/**
 * Who has left, after another state of the graph: nodes that were there before, and what ran between
 * them and others. The same object as long as nobody leaves, comes back, or has been away too long.
 */
export function departed(old: Departed, before: Elements, now: Elements, at: number): Departed {
  const nodes = (elements: Elements) => [...elements.keys()].some((key) => key.startsWith('n:'));
  // A graph without any node has not been told yet, or is the first of another one.
  if (!nodes(now)) {
    return nobody;
  }
  const next = new Map(old);
  for (const [key, one] of old) {
    if (now.has(key) || at - one.at >= departedFor) {
      next.delete(key);
    }
  }
  for (const [key, element] of before) {
    if (key.startsWith('n:') && !now.has(key)) {
      next.set(key, { element, at });
    }
  }
  const there = (id: string) => now.has(`n:${id}`) || next.has(`n:${id}`);
  const left = (id: string) => next.has(`n:${id}`);
  const between = ({ source, target }: GraphLiveEdge) =>
    there(source) && there(target) && (left(source) || left(target));
  for (const [key, element] of before) {
    if (key.startsWith('e:') && !now.has(key) && between(element as GraphLiveEdge)) {
      next.set(key, { element: idle(element as GraphLiveEdge), at });
    }
  }
  for (const [key, { element }] of next) {
    if (key.startsWith('e:') && !between(element as GraphLiveEdge)) {
      next.delete(key);
    }
  }
  const same = next.size === old.size && [...next].every(([key, one]) => old.get(key) === one);
  return same ? old : next;
}

/** When the next of them has been away long enough; undefined when there is nobody. */
export function nextToGo(gone: Departed): number | undefined {
  const times = [...gone.values()].map((one) => one.at + departedFor);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** A thread on which nothing flows any more. */
function idle({ p50, p95, p99, ...edge }: GraphLiveEdge): GraphLiveEdge {
  return { ...edge, rate: 0, errors: 0, errorShare: 0, responses: null, idle: true, health: { state: 'idle' } };
}
