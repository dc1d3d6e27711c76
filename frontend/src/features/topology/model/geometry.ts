import type { Point, Rect } from './place';
import type { Level } from './sizes';

/** Where a thread meets a card. */
export type Side = 'left' | 'right' | 'top' | 'bottom';

export interface Route {
  from: Point;
  to: Point;
  fromSide: Side;
  toSide: Side;
}

/** The height of the eyes at the sides of a card: the middle of its header. */
const eyeHeight: Record<Level, number> = { near: 17, middle: 17, far: 29 };
/** The tip of a thread ends so far before the eye. */
const tip = 6;
const curvature = 0.32;

/** From which eye to which a thread runs: right to left, or up and down within one column. */
export function route(source: Rect, target: Rect, level: Level): Route {
  const beside = target.x >= source.x + source.width || target.x + target.width <= source.x;
  const eye = eyeHeight[level];
  if (beside) {
    return {
      from: { x: source.x + source.width, y: source.y + eye },
      to: { x: target.x, y: target.y + eye },
      fromSide: 'right',
      toSide: 'left',
    };
  }
  const down = target.y >= source.y;
  const middle = (r: Rect) => r.x + r.width / 2;
  return {
    from: { x: middle(source), y: down ? source.y + source.height : source.y },
    to: { x: middle(target), y: down ? target.y : target.y + target.height },
    fromSide: down ? 'bottom' : 'top',
    toSide: down ? 'top' : 'bottom',
  };
}

/** How far a curve runs straight on before it bends: half of the way, more where it turns back. */
const reach = (distance: number) => (distance >= 0 ? distance / 2 : curvature * 25 * Math.sqrt(-distance));

type Curve = readonly [Point, Point, Point, Point];

/** The curve of a thread, up to where its tip begins. */
export function curve({ from, to, fromSide, toSide }: Route): Curve {
  if (fromSide === 'right') {
    const end = { x: to.x - tip, y: to.y };
    const bend = reach(end.x - from.x);
    return [from, { x: from.x + bend, y: from.y }, { x: end.x - bend, y: end.y }, end];
  }
  const sign = toSide === 'top' ? 1 : -1;
  const end = { x: to.x, y: to.y - sign * tip };
  const bend = reach(sign * (end.y - from.y)) * sign;
  return [from, { x: from.x, y: from.y + bend }, { x: end.x, y: end.y - bend }, end];
}

const r = (v: number) => Math.round(v * 10) / 10;

export const pathOf = ([a, b, c, d]: Curve): string =>
  `M${r(a.x)} ${r(a.y)}C${r(b.x)} ${r(b.y)} ${r(c.x)} ${r(c.y)} ${r(d.x)} ${r(d.y)}`;

/** The open chevron at the end of a thread. */
export function tipOf({ to, toSide }: Route): string {
  const [x, y] = [r(to.x), r(to.y)];
  switch (toSide) {
    case 'top':
      return `M${x - 5} ${y - 11}l5 6 5-6`;
    case 'bottom':
      return `M${x - 5} ${y + 11}l5-6 5 6`;
    default:
      return `M${x - 11} ${y - 5}l6 5-6 5`;
  }
}

/** The point of a curve at a part of its way. */
export function pointAt([a, b, c, d]: Curve, t: number): Point {
  const u = 1 - t;
  const mix = (p: number, q: number, v: number, w: number) =>
    u * u * u * p + 3 * u * u * t * q + 3 * u * t * t * v + t * t * t * w;
  return { x: mix(a.x, b.x, c.x, d.x), y: mix(a.y, b.y, c.y, d.y) };
}

/** The width of a thread: 1.25 px at nothing, 2.9 at 10 requests per second, 5.9 at 1,000, never above 7. */
export const thickness = (rps: number): number => Math.min(7, 1.25 + 1.55 * Math.log10(1 + Math.max(0, rps)));

export interface LabelWish {
  id: string;
  curve: Curve;
  /** A wrong thread's label has two lines and stands above it. */
  loud: boolean;
  /** It is shown even where it finds no free place: somebody asked for this one. */
  chosen: boolean;
}

/** The size that is kept free for a label, whatever its figures. */
export const labelSize = { quiet: { width: 78, height: 20 }, loud: { width: 90, height: 36 } } as const;

const overlaps = (a: Rect, b: Rect) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Parts of a thread's way at which its label may stand, the best first. */
const stands = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9];

/**
 * Where labels stand, as their middles: at the middle of the thread, or a little before or behind
 * it where another label or a card is in the way. Wrong threads choose first, and always have
 * theirs. A quiet one that finds no place beside the other labels is left out, unless it is chosen:
 * then it comes last, which is on top.
 */
export function placeLabels(wishes: readonly LabelWish[], cards: readonly Rect[], scale = 1): Map<string, Point> {
  const taken: Rect[] = [];
  const at = new Map<string, Point>();
  const above: [string, Point][] = [];
  const sorted = [...wishes].sort((a, b) => Number(b.loud) - Number(a.loud) || (a.id < b.id ? -1 : 1));
  for (const wish of sorted) {
    const one = wish.loud ? labelSize.loud : labelSize.quiet;
    const size = { width: one.width * scale, height: one.height * scale };
    let best: { point: Point; rect: Rect; labels: number; hits: number } | undefined;
    for (const t of stands) {
      const on = pointAt(wish.curve, t);
      const point = wish.loud ? { x: on.x + outside(wish.curve), y: on.y - size.height / 2 - 5 } : on;
      const rect = { x: point.x - size.width / 2, y: point.y - size.height / 2, ...size };
      const labels = taken.filter((other) => overlaps(rect, other)).length;
      const hits = 2 * labels + cards.filter((c) => overlaps(rect, c)).length;
      if (!best || hits < best.hits) {
        best = { point, rect, labels, hits };
      }
      if (hits === 0) {
        break;
      }
    }
    if (best && (best.labels === 0 || wish.loud)) {
      taken.push(best.rect);
      at.set(wish.id, best.point);
    } else if (best && wish.chosen) {
      above.push([wish.id, best.point]);
    }
  }
  return new Map([...at, ...above]);
}

/** A label above a rising or falling thread is shifted to its outer side. */
function outside([a, , , d]: Curve): number {
  const rise = d.y - a.y;
  if (Math.abs(d.x - a.x) < 1 || Math.abs(rise) < 24) {
    return 0;
  }
  return rise < 0 ? -16 : 16;
}
