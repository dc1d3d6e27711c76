import type { Point, Rect, Size } from './place';

/** What part of the drawing is seen: a point p of it lies at (x + zoom · p.x, y + zoom · p.y). */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export const zoomLimits = { least: 0.1, most: 1.6 } as const;

export interface Padding {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

const clamp = (v: number, least: number, most: number) => Math.min(most, Math.max(least, v));

/** Zooms so that the point of the window stays where it is. */
export function zoomAt(view: View, at: Point, factor: number): View {
  const zoom = clamp(view.zoom * factor, zoomLimits.least, zoomLimits.most);
  const by = zoom / view.zoom;
  return { zoom, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

/** The view in which all of the drawing is seen, not larger than it is. */
export function fitted(drawing: Rect, size: Size, padding: Padding): View {
  const width = Math.max(1, size.width - padding.left - padding.right);
  const height = Math.max(1, size.height - padding.top - padding.bottom);
  const zoom = clamp(
    Math.min(width / Math.max(1, drawing.width), height / Math.max(1, drawing.height), 1),
    zoomLimits.least,
    zoomLimits.most,
  );
  return {
    zoom,
    x: padding.left + (width - drawing.width * zoom) / 2 - drawing.x * zoom,
    y: padding.top + (height - drawing.height * zoom) / 2 - drawing.y * zoom,
  };
}

/** Moves the view by as little as brings a part of the drawing into it. */
export function reveal(view: View, part: Rect, size: Size, padding: Padding): View {
  const shift = (start: number, length: number, from: number, to: number) => {
    if (start < from || length > to - from) {
      return from - start;
    }
    return start + length > to ? to - start - length : 0;
  };
  const x = view.x + part.x * view.zoom;
  const y = view.y + part.y * view.zoom;
  return {
    zoom: view.zoom,
    x: view.x + shift(x, part.width * view.zoom, padding.left, size.width - padding.right),
    y: view.y + shift(y, part.height * view.zoom, padding.top, size.height - padding.bottom),
  };
}

/** The part of the drawing that is seen. */
export const seen = (view: View, size: Size): Rect => ({
  x: -view.x / view.zoom,
  y: -view.y / view.zoom,
  width: size.width / view.zoom,
  height: size.height / view.zoom,
});

/** Whether all of the drawing is seen. */
export function holds(view: View, size: Size, drawing: Rect): boolean {
  const part = seen(view, size);
  return (
    drawing.x >= part.x &&
    drawing.y >= part.y &&
    drawing.x + drawing.width <= part.x + part.width &&
    drawing.y + drawing.height <= part.y + part.height
  );
}

/** Holds the view outside of React: panning draws nothing but the layer's transform. */
export class Viewport {
  view: View = { x: 0, y: 0, zoom: 1 };
  size: Size = { width: 0, height: 0 };
  private readonly listeners = new Set<() => void>();

  set(view: View): void {
    this.view = view;
    this.tell();
  }

  resize(size: Size): void {
    this.size = size;
    this.tell();
  }

  listen = (changed: () => void): (() => void) => {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  };

  private tell(): void {
    for (const changed of this.listeners) {
      changed();
    }
  }
}
