import { expect, test } from 'vitest';
import { fitted, holds, reveal, seen, Viewport, zoomAt, zoomLimits } from './viewport';

const size = { width: 1000, height: 500 };
const padding = { top: 50, right: 20, bottom: 50, left: 20 };

test('zooming keeps the point under the pointer', () => {
  const view = { x: 30, y: -20, zoom: 0.5 };
  const at = { x: 400, y: 300 };
  const next = zoomAt(view, at, 2);
  expect(next.zoom).toBe(1);
  expect((at.x - next.x) / next.zoom).toBeCloseTo((at.x - view.x) / view.zoom);
  expect(zoomAt(view, at, 1e9).zoom).toBe(zoomLimits.most);
  expect(zoomAt(view, at, 1e-9).zoom).toBe(zoomLimits.least);
});

test('fitting shows all of it, and never enlarges', () => {
  const drawing = { x: 100, y: 100, width: 4000, height: 300 };
  expect(holds(fitted(drawing, size, padding), size, drawing)).toBe(true);
  expect(fitted({ x: 0, y: 0, width: 10, height: 10 }, size, padding).zoom).toBe(1);
});

test('revealing moves as little as needed, and keeps the zoom', () => {
  const view = { x: 0, y: 0, zoom: 1 };
  expect(reveal(view, { x: 100, y: 100, width: 200, height: 90 }, size, padding)).toEqual(view);
  expect(reveal(view, { x: 900, y: 100, width: 200, height: 90 }, size, padding)).toEqual({ x: -120, y: 0, zoom: 1 });
  expect(reveal(view, { x: -50, y: 0, width: 200, height: 90 }, size, padding)).toEqual({ x: 70, y: 50, zoom: 1 });
});

test('the part that is seen, and who follows it', () => {
  expect(seen({ x: -100, y: 0, zoom: 0.5 }, size)).toEqual({ x: 200, y: -0, width: 2000, height: 1000 });
  const viewport = new Viewport();
  let told = 0;
  const stop = viewport.listen(() => told++);
  viewport.resize(size);
  viewport.set({ x: 1, y: 2, zoom: 1 });
  stop();
  viewport.set({ x: 2, y: 2, zoom: 1 });
  expect(told).toBe(2);
});
