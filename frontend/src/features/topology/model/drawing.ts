import type { Health } from '../../../ui/glyph';
import { worst } from './figures';
import { curve, pathOf, placeLabels, type Route, route, type Side, tipOf } from './geometry';
import type { Point, Positions, Rect, Sizes } from './place';
import type { Scene, SceneEdge, SceneThread } from './scene';
import type { Level } from './sizes';

/** A thread with where it runs. */
export interface DrawnThread {
  thread: SceneThread;
  state: Health;
  path: string;
  tip: string;
  route: Route;
}

/** Above so many threads only wrong, hovered and selected ones have labels. */
export const mostLabels = 40;

export const isLoud = (state: Health): boolean => state === 'failing' || state === 'degraded';

/** Where all threads of a scene run, the loud ones last, so that they lie above. */
export function drawThreads(
  scene: Scene,
  edges: readonly SceneEdge[],
  at: Positions,
  sizes: Sizes,
  level: Level,
): DrawnThread[] {
  const states = new Map(edges.map((e) => [e.id, e.state]));
  const rect = (card: string): Rect | undefined => {
    const point = at.get(card);
    return point && { ...point, ...sizes(card) };
  };
  const drawn = scene.threads.flatMap((thread) => {
    const source = rect(thread.source);
    const target = rect(thread.target);
    if (!source || !target) {
      return [];
    }
    const run = route(source, target, level);
    const state = worst(thread.edges.map((id) => states.get(id) ?? 'unknown'));
    return [{ thread, state, route: run, path: pathOf(curve(run)), tip: tipOf(run) }];
  });
  const rank = (d: DrawnThread) => (d.state === 'failing' ? 2 : d.state === 'degraded' ? 1 : 0);
  return drawn.sort((a, b) => rank(a) - rank(b));
}

/** Far away so many wrong threads have a label and can be pointed at: those that fail before the degraded. */
const mostLoud = 40;
/** Labels are so much larger far away, as names are. */
export const farLabel = 24 / 14;

/** The threads that are told of one by one also far away. */
export const loudest = (threads: readonly DrawnThread[]): DrawnThread[] =>
  threads.filter((d) => isLoud(d.state)).slice(-mostLoud);

const letter: Record<Side, string> = { left: 'l', right: 'r', top: 't', bottom: 'b' };

/** The sides of each card at which a thread meets it: only these have eyes. */
export function eyesOf(threads: readonly DrawnThread[]): Map<string, string> {
  const sides = new Map<string, Set<string>>();
  const add = (card: string, side: Side) => {
    const set = sides.get(card) ?? new Set();
    sides.set(card, set.add(letter[side]));
  };
  for (const { thread, route: run } of threads) {
    add(thread.source, run.fromSide);
    add(thread.target, run.toSide);
  }
  return new Map([...sides].map(([card, set]) => [card, [...set].sort().join('')]));
}

/** Which threads have labels, and where these stand. */
export function labelsOf(
  threads: readonly DrawnThread[],
  cards: readonly Rect[],
  chosen: (thread: SceneThread) => boolean,
  wanted: boolean,
  scale = 1,
): { drawn: DrawnThread; at: Point }[] {
  const crowded = threads.length > mostLabels;
  const labelled = threads.filter(
    (d) => isLoud(d.state) || chosen(d.thread) || (wanted && !crowded && d.state !== 'unknown'),
  );
  const places = placeLabels(
    labelled.map((d) => ({
      id: d.thread.id,
      curve: curve(d.route),
      loud: isLoud(d.state),
      chosen: chosen(d.thread),
    })),
    cards,
    scale,
  );
  const byId = new Map(labelled.map((d) => [d.thread.id, d]));
  return [...places].flatMap(([id, at]) => {
    const drawn = byId.get(id);
    return drawn ? [{ drawn, at }] : [];
  });
}
