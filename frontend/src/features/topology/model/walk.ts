import type { Positions } from './place';
import type { Scene } from './scene';

export type Direction = 'ArrowRight' | 'ArrowLeft' | 'ArrowUp' | 'ArrowDown';

/**
 * The card that an arrow key leads to: right along a thread to who is called, left to who calls, up
 * and down to the next card there. Where no thread leads that way, the next card in that direction.
 */
export function walk(scene: Scene, at: Positions, from: string, direction: Direction): string | undefined {
  const here = at.get(from);
  if (!here) {
    return undefined;
  }
  const along =
    direction === 'ArrowRight'
      ? scene.threads.filter((t) => t.source === from).map((t) => t.target)
      : direction === 'ArrowLeft'
        ? scene.threads.filter((t) => t.target === from).map((t) => t.source)
        : [];
  const nearest = (cards: readonly string[], distance: (dx: number, dy: number) => number): string | undefined => {
    let best: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const card of cards) {
      const there = at.get(card);
      const far = there && card !== from ? distance(there.x - here.x, there.y - here.y) : Number.POSITIVE_INFINITY;
      if (far < least) {
        least = far;
        best = card;
      }
    }
    return best;
  };
  const byThread = nearest(along, (dx, dy) => Math.hypot(dx, dy));
  if (byThread !== undefined) {
    return byThread;
  }
  const sideways = direction === 'ArrowLeft' || direction === 'ArrowRight';
  const sign = direction === 'ArrowRight' || direction === 'ArrowDown' ? 1 : -1;
  return nearest(
    scene.cards.map((c) => c.id),
    (dx, dy) => {
      const ahead = sign * (sideways ? dx : dy);
      const aside = Math.abs(sideways ? dy : dx);
      return ahead > 0 ? ahead + 2 * aside : Number.POSITIVE_INFINITY;
    },
  );
}
