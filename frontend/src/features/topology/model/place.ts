import type { Scene } from './scene';

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export type Rect = Point & Size;

/** Where the upper left corners of cards are, by card. */
export type Positions = ReadonlyMap<string, Point>;
export type Sizes = (card: string) => Size;

/** Space that a namespace's box keeps around its cards; above them stands its name. */
export const boxInset = { top: 44, side: 20, bottom: 24 } as const;
/** Between two cards of a column, and between two columns: there the labels of threads stand. */
export const cardGap = { x: 96, y: 40 } as const;
const boxGap = 24;

/** The boxes of open namespaces, around where their cards are. */
export function boxesAround(
  scene: Scene,
  at: Positions,
  sizes: Sizes,
): { namespace: string; rect: Rect; cards: readonly string[] }[] {
  return scene.boxes.flatMap(({ namespace, cards }) => {
    const rects = cards.flatMap((card) => rectOf(card, at, sizes) ?? []);
    const around = hull(rects);
    return around ? [{ namespace, cards, rect: withInset(around) }] : [];
  });
}

function rectOf(card: string, at: Positions, sizes: Sizes): Rect | undefined {
  const point = at.get(card);
  return point && { ...point, ...sizes(card) };
}

function hull(rects: readonly Rect[]): Rect | undefined {
  if (rects.length === 0) {
    return undefined;
  }
  const x = Math.min(...rects.map((r) => r.x));
  const y = Math.min(...rects.map((r) => r.y));
  return {
    x,
    y,
    width: Math.max(...rects.map((r) => r.x + r.width)) - x,
    height: Math.max(...rects.map((r) => r.y + r.height)) - y,
  };
}

const withInset = (r: Rect): Rect => ({
  x: r.x - boxInset.side,
  y: r.y - boxInset.top,
  width: r.width + 2 * boxInset.side,
  height: r.height + boxInset.top + boxInset.bottom,
});

const overlap = (a: Rect, b: Rect, gap: number): boolean =>
  a.x < b.x + b.width + gap && b.x < a.x + a.width + gap && a.y < b.y + b.height + gap && b.y < a.y + a.height + gap;

/**
 * Positions of all cards of a scene: those that have one keep it, a new card gets the free place
 * nearest to what it talks with, in its namespace. Nothing that a person has seen moves.
 */
export function place(scene: Scene, kept: Positions, sizes: Sizes): Map<string, Point> {
  const at = new Map<string, Point>();
  for (const card of scene.cards) {
    const known = kept.get(card.id);
    if (known) {
      at.set(card.id, known);
    }
  }
  const boxOf = new Map(scene.boxes.flatMap((b) => b.cards.map((card) => [card, b.namespace] as const)));
  // Beside what is placed already first, so that a chain of new cards grows from it.
  const waiting = scene.cards.map((c) => c.id).filter((id) => !at.has(id));
  while (waiting.length > 0) {
    const next = Math.max(
      0,
      waiting.findIndex((id) =>
        scene.threads.some((t) => (t.target === id && at.has(t.source)) || (t.source === id && at.has(t.target))),
      ),
    );
    const [id] = waiting.splice(next, 1);
    if (id !== undefined) {
      at.set(id, freePlace(id, scene, at, sizes, boxOf));
    }
  }
  return at;
}

/** Where a card would like to stand: right of who calls it, left of whom it calls, else below its namespace. */
function wish(id: string, scene: Scene, at: Positions, sizes: Sizes, boxOf: ReadonlyMap<string, string>): Point {
  for (const thread of scene.threads) {
    const from = thread.target === id ? rectOf(thread.source, at, sizes) : undefined;
    if (from) {
      return { x: from.x + from.width + cardGap.x, y: from.y };
    }
  }
  for (const thread of scene.threads) {
    const to = thread.source === id ? rectOf(thread.target, at, sizes) : undefined;
    if (to) {
      return { x: to.x - cardGap.x - sizes(id).width, y: to.y };
    }
  }
  const namespace = boxOf.get(id);
  const siblings = hull(
    [...at.keys()].filter((card) => boxOf.get(card) === namespace).flatMap((card) => rectOf(card, at, sizes) ?? []),
  );
  if (siblings) {
    return { x: siblings.x, y: siblings.y + siblings.height + cardGap.y };
  }
  const all = hull([...at.keys()].flatMap((card) => rectOf(card, at, sizes) ?? []));
  return all ? { x: all.x, y: all.y + all.height + boxInset.top + boxInset.bottom + boxGap } : { x: 0, y: 0 };
}

function freePlace(id: string, scene: Scene, at: Positions, sizes: Sizes, boxOf: ReadonlyMap<string, string>): Point {
  const size = sizes(id);
  const wanted = wish(id, scene, at, sizes, boxOf);
  const namespace = boxOf.get(id);
  const cards = [...at.keys()].flatMap((card) => rectOf(card, at, sizes) ?? []);
  const boxes = boxesAround(scene, at, sizes);
  const own =
    boxes.find((b) => b.namespace === namespace)?.cards.flatMap((card) => rectOf(card, at, sizes) ?? []) ?? [];
  // What the box must not grow over: other boxes, and cards that stand outside of all.
  const foreign = [
    ...boxes.filter((b) => b.namespace !== namespace).map((b) => b.rect),
    ...[...at.keys()].filter((card) => !boxOf.has(card)).flatMap((card) => rectOf(card, at, sizes) ?? []),
  ];
  const free = (point: Point): boolean => {
    const rect = { ...point, ...size };
    if (cards.some((other) => overlap(rect, other, Math.min(cardGap.x, cardGap.y)))) {
      return false;
    }
    const grown = namespace === undefined ? rect : withInset(hull([...own, rect]) ?? rect);
    return !foreign.some((other) => overlap(grown, other, boxGap / 2));
  };
  const step: Point = { x: size.width + cardGap.x, y: size.height + cardGap.y };
  // Rings of places around the wish: below before above, near before far.
  for (let ring = 0; ring <= 40; ring++) {
    for (const [column, row] of ringOf(ring)) {
      const point = { x: wanted.x + column * step.x, y: wanted.y + row * step.y };
      if (free(point)) {
        return point;
      }
    }
  }
  const all = hull(cards);
  return all ? { x: all.x, y: all.y + all.height + boxInset.top + boxInset.bottom + boxGap } : wanted;
}

function ringOf(ring: number): [number, number][] {
  const places: [number, number][] = [];
  for (let column = -ring; column <= ring; column++) {
    for (let row = -ring; row <= ring; row++) {
      if (Math.max(Math.abs(column), Math.abs(row)) === ring) {
        places.push([column, row]);
      }
    }
  }
  const far = ([column, row]: [number, number]) =>
    Math.abs(row) + 2 * Math.abs(column) + (row < 0 ? 0.5 : 0) + (column < 0 ? 0.25 : 0);
  return places.sort((a, b) => far(a) - far(b));
}
