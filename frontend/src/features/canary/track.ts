/** A text that stands over its share of the track, all in pixels. */
export interface Caption {
  /** Where the middle of its share is. */
  readonly middle: number;
  readonly width: number;
  /** Its share: where there is no room for all, the smallest is left out first. */
  readonly share: number;
}

/** Room between two captions, in pixels. */
const gap = 8;

/**
 * Where each caption begins, so that none lies on another or beyond the track; undefined for one
 * that is left out. Each stays as near to the middle of its share as the others allow.
 */
export function placeCaptions(captions: readonly Caption[], room: number): (number | undefined)[] {
  const shown = new Set(captions.map((_, i) => i));
  const total = () => [...shown].reduce((sum, i) => sum + (captions[i]?.width ?? 0) + gap, -gap);
  const smallest = () =>
    [...shown].reduce((a, b) => ((captions[b]?.share ?? 0) < (captions[a]?.share ?? 0) ? b : a), Math.min(...shown));
  while (shown.size > 1 && total() > room) {
    shown.delete(smallest());
  }
  const at: (number | undefined)[] = captions.map(() => undefined);
  let from = 0;
  for (const i of shown) {
    const { middle = 0, width = 0 } = captions[i] ?? {};
    at[i] = Math.max(from, middle - width / 2);
    from = at[i] + width + gap;
  }
  let until = room;
  for (const i of [...shown].reverse()) {
    const width = captions[i]?.width ?? 0;
    at[i] = Math.max(0, Math.min(at[i] ?? 0, until - width));
    until = at[i] - gap;
  }
  return at;
}

/**
 * How many steps lower each handle stands: where it would lie on the one before, one step lower
 * than that. Places and `near` are in per cent of the track.
 */
export function handleSteps(places: readonly number[], near: number): number[] {
  const steps: number[] = [];
  places.forEach((place, i) => {
    const before = places[i - 1];
    steps.push(before !== undefined && place - before < near ? (steps[i - 1] ?? 0) + 1 : 0);
  });
  return steps;
}
