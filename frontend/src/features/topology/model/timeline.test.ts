import { expect, test } from 'vitest';
import type { HistoryChange } from '../../../api/generated/types.gen';
import { hourOf, marksOf } from './timeline';

const start = Date.parse('2026-11-21T13:00:00Z');
const bars = Array.from({ length: 120 }, (_, i) => ({
  at: new Date(start + (i + 1) * 30_000).toISOString(),
  errorShare: i === 100 ? 0.05 : 0,
  rps: i === 5 ? 0 : 10,
}));
const change = (minute: number, id: string): HistoryChange => ({
  id,
  at: new Date(start + minute * 60_000).toISOString(),
  actor: 'lena',
  via: 'console',
  undoable: true,
  entries: null,
  summary: { code: 'changed', params: {} },
});

test('bars fill the hour, and what is wrong is told', () => {
  const hour = hourOf(bars, 30);
  expect(hour.start).toBe(start);
  expect(hour.bars[0]?.from).toBe(0);
  expect((hour.bars[119]?.from ?? 0) + (hour.bars[119]?.width ?? 0)).toBeCloseTo(1);
  expect(hour.bars.filter((b) => b.wrong)).toHaveLength(1);
  expect(hour.bars[5]?.height).toBeLessThan(hour.bars[6]?.height ?? 0);
  expect(hourOf([], 30).bars).toEqual([]);
});

test('marks of the hour, with words where there is room', () => {
  const marks = marksOf(
    hourOf(bars, 30),
    [change(10, 'a'), change(30, 'b'), change(31, 'c'), change(-5, 'old')],
    [],
    () => 0.13,
  );
  expect(marks.map((m) => [m.place.toFixed(2), m.named, m.left])).toEqual([
    ['0.17', true, false],
    ['0.50', true, true],
    ['0.52', true, false],
  ]);
});
