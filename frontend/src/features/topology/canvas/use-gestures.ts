import { type RefObject, useEffect, useRef } from 'react';
import type { Point } from '../model/place';
import { type Viewport, zoomAt } from '../model/viewport';

interface Gestures {
  /** A card was pulled so far from where it was, in measures of the drawing; `done` when it was let go. */
  pull: (card: string, by: Point, done: boolean) => void;
  /** Something was clicked: a card, what shifts its traffic, a thread, or nothing. */
  choose: (what: { card?: string; split?: boolean; thread?: string }) => void;
  /** The person moved or zoomed: from now on the view is theirs. */
  moved: () => void;
}

const pulledBy = (from: Point, to: Point, zoom: number): Point => ({
  x: (to.x - from.x) / zoom,
  y: (to.y - from.y) / zoom,
});

/** A pointer that moves less than this clicks. */
const slack = 4;

/** Panning, zooming and pulling cards with mouse, pen, fingers and wheel. */
export function useGestures(root: RefObject<HTMLElement | null>, viewport: Viewport, gestures: Gestures): void {
  const latest = useRef(gestures);
  latest.current = gestures;

  useEffect(() => {
    const element = root.current;
    if (!element) {
      return;
    }
    const pointers = new Map<number, Point>();
    let drag:
      | {
          start: Point;
          last: Point;
          card: string | undefined;
          thread: string | undefined;
          split: boolean;
          far: boolean;
        }
      | undefined;

    const place = (event: PointerEvent | WheelEvent): Point => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const named = (event: PointerEvent, name: 'card' | 'thread') =>
      (event.target as Element).closest<HTMLElement | SVGElement>(`[data-${name}]`)?.dataset[name];

    const down = (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest('[data-overlay]')) {
        return;
      }
      const at = place(event);
      pointers.set(event.pointerId, at);
      drag =
        pointers.size === 1
          ? {
              start: at,
              last: at,
              card: named(event, 'card'),
              thread: named(event, 'thread'),
              split: (event.target as Element).closest('[data-split]') !== null,
              far: false,
            }
          : undefined;
    };

    const pinch = (event: PointerEvent, at: Point) => {
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      const before = pointers.get(event.pointerId);
      if (other && before) {
        const apart = (p: Point) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
        const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
        viewport.set(zoomAt(viewport.view, middle, apart(at) / apart(before)));
        latest.current.moved();
      }
    };

    const move = (event: PointerEvent) => {
      if (!pointers.has(event.pointerId)) {
        return;
      }
      const at = place(event);
      if (pointers.size > 1) {
        pinch(event, at);
      } else if (drag) {
        if (!drag.far && Math.hypot(at.x - drag.start.x, at.y - drag.start.y) < slack) {
          return;
        }
        if (!drag.far) {
          drag.far = true;
          element.setPointerCapture(event.pointerId);
          element.classList.add('is-pulled');
        }
        const { view } = viewport;
        if (drag.card === undefined) {
          viewport.set({ ...view, x: view.x + at.x - drag.last.x, y: view.y + at.y - drag.last.y });
          latest.current.moved();
        } else {
          latest.current.pull(drag.card, pulledBy(drag.start, at, view.zoom), false);
        }
        drag.last = at;
      }
      pointers.set(event.pointerId, at);
    };

    const up = (event: PointerEvent) => {
      const known = pointers.delete(event.pointerId);
      if (!known || !drag) {
        return;
      }
      const { far, card, split, thread, start, last } = drag;
      drag = undefined;
      element.classList.remove('is-pulled');
      if (far && card !== undefined) {
        latest.current.pull(card, pulledBy(start, last, viewport.view.zoom), true);
      } else if (!far && event.type === 'pointerup') {
        latest.current.choose({ split, ...(card ? { card } : {}), ...(thread ? { thread } : {}) });
      }
    };

    const wheel = (event: WheelEvent) => {
      if ((event.target as Element).closest('[data-overlay]')) {
        return;
      }
      event.preventDefault();
      // A pinch on a touchpad comes as a wheel with Ctrl, in small steps.
      const speed = event.ctrlKey ? 0.01 : event.deltaMode === 1 ? 0.05 : 0.0015;
      viewport.set(zoomAt(viewport.view, place(event), Math.exp(-event.deltaY * speed)));
      latest.current.moved();
    };

    element.addEventListener('pointerdown', down);
    element.addEventListener('pointermove', move);
    element.addEventListener('pointerup', up);
    element.addEventListener('pointercancel', up);
    element.addEventListener('wheel', wheel, { passive: false });
    return () => {
      element.removeEventListener('pointerdown', down);
      element.removeEventListener('pointermove', move);
      element.removeEventListener('pointerup', up);
      element.removeEventListener('pointercancel', up);
      element.removeEventListener('wheel', wheel);
    };
  }, [root, viewport]);
}
