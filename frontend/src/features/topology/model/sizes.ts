import type { Size } from './place';

/** How much a card shows, by how near one is. */
export type Level = 'near' | 'middle' | 'far';

/** What the height of a card depends on. */
export interface CardShape {
  /** A namespace, a node with figures, or one of which nothing is measured. */
  kind: 'namespace' | 'node' | 'quiet';
  versions: number;
}

export const cardWidth = 212;
/** A single version is not listed; of many, the first four are. */
export const mostVersions = 4;
const versionRow = 20;

/** The height of a card as its style sheet makes it, so that nothing has to be measured. */
export function cardHeight(shape: CardShape, level: Level): number {
  if (level === 'far') {
    return 58;
  }
  if (shape.kind === 'namespace') {
    return 87;
  }
  if (shape.kind === 'quiet') {
    return 60;
  }
  if (level === 'middle') {
    return 63;
  }
  const rows = shape.versions > mostVersions ? mostVersions + 1 : shape.versions;
  return 91 + (rows > 1 ? 13 + rows * versionRow : 0);
}

export const cardSize = (shape: CardShape, level: Level): Size => ({
  width: cardWidth,
  height: cardHeight(shape, level),
});

/** The level for a zoom. */
export function levelOf(zoom: number): Level {
  if (zoom >= 0.8) {
    return 'near';
  }
  return zoom >= 0.45 ? 'middle' : 'far';
}
