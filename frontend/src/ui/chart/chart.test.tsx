import { act, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rate } from '../../lib/format';
import { Chart, type ChartSeries } from './chart';

// A canvas on which drawing does nothing: happy-dom has none.
const context = new Proxy({}, { get: () => () => ({ width: 10 }), set: () => true });
function path() {
  return context;
}

beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context as CanvasRenderingContext2D);
  vi.stubGlobal('Path2D', path);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const begin = Date.parse('2026-11-21T13:00:00Z') / 1000;
const series = (...values: number[]): ChartSeries[] => [
  { label: 'v1', color: '--hd-s1', points: values.map((v, i) => [begin + i * 30, v]) },
];

test('the newest value is told first, and arrow keys lead away from it', async () => {
  render(<Chart label="Requests" series={series(10, 20, 30)} figure={(v) => rate(v, 'rps')} />);
  const chart = screen.getByRole('slider', { name: 'Requests' });
  const said = () => [chart.getAttribute('aria-valuenow'), chart.getAttribute('aria-valuetext')];
  expect(said()).toEqual(['3', expect.stringMatching(/:01:00, 30/)]);
  // The plot finds its scales in a microtask.
  await act(async () => {});
  fireEvent.keyDown(chart, { key: 'ArrowLeft' });
  expect(said()).toEqual(['2', expect.stringMatching(/:00:30, 20/)]);
  fireEvent.keyDown(chart, { key: 'Home' });
  expect(said()).toEqual(['1', expect.stringMatching(/:00:00, 10/)]);
});

test('without values to tell it is a picture', () => {
  render(<Chart label="Requests" series={series(10, 20)} />);
  expect(screen.getByRole('img', { name: 'Requests' }).tabIndex).toBe(-1);
});
