import type { Point, Positions } from './place';

/**
 * Where somebody's cards stand, by what is drawn: the mode, the namespaces looked at and the
 * collapsed ones. Kept in this browser for each user, the latest so many.
 */
const mostKept = 16;

type Kept = Record<string, { at: Record<string, [number, number]>; used: number }>;

const keyOf = (user: string) => `heddle.topology.${user}`;

/** The name of an arrangement. */
export const arrangement = (mode: string, namespaces: readonly string[], collapsed: Iterable<string>): string =>
  [mode, [...namespaces].sort().join(','), [...collapsed].sort().join(',')].join(' ');

function read(storage: Storage, user: string): Kept {
  try {
    const kept: unknown = JSON.parse(storage.getItem(keyOf(user)) ?? '{}');
    return typeof kept === 'object' && kept !== null ? (kept as Kept) : {};
  } catch {
    return {}; // written by something else: begin anew
  }
}

/** The positions of an arrangement; empty when it was never seen. */
export function keptPositions(storage: Storage, user: string, name: string): Map<string, Point> {
  const at = read(storage, user)[name]?.at ?? {};
  return new Map(
    Object.entries(at).flatMap(([card, point]) =>
      Array.isArray(point) && point.every(Number.isFinite) ? [[card, { x: point[0], y: point[1] }]] : [],
    ),
  );
}

/** Keeps the positions of an arrangement, and forgets the one that was not used for longest. */
export function keepPositions(storage: Storage, user: string, name: string, at: Positions, now: number): void {
  const kept = read(storage, user);
  kept[name] = {
    at: Object.fromEntries([...at].map(([card, p]) => [card, [Math.round(p.x), Math.round(p.y)]])),
    used: now,
  };
  const names = Object.keys(kept).sort((a, b) => (kept[b]?.used ?? 0) - (kept[a]?.used ?? 0));
  for (const old of names.slice(mostKept)) {
    delete kept[old];
  }
  try {
    storage.setItem(keyOf(user), JSON.stringify(kept));
  } catch {
    // The browser keeps nothing more: the arrangement lasts as long as the page.
  }
}
