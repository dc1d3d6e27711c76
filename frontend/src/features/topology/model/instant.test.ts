import { expect, test } from 'vitest';
import type { GraphTransition, HistoryChange } from '../../../api/generated/types.gen';
import { barAt, barByKey, instantOf } from './instant';
import { hourOf } from './timeline';

const start = Date.parse('2026-11-21T13:00:00Z');
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const hour = hourOf(
  Array.from({ length: 120 }, (_, i) => ({ at: at((i + 1) * 30), errorShare: i / 1000, rps: 10 })),
  30,
);
const change = (seconds: number) => ({ id: String(seconds), at: at(seconds) }) as HistoryChange;
const incident = (seconds: number) => ({ node: String(seconds), at: at(seconds) }) as unknown as GraphTransition;

test('what happened while a bar was measured', () => {
  const found = instantOf(hour, 2, [change(60), change(61), change(90), change(91)], [incident(75), incident(10)]);
  expect(found?.from).toBeCloseTo(start + 60_000, 0);
  expect(found?.to).toBe(start + 90_000);
  expect(found?.errorShare).toBe(0.002);
  expect(found?.changes.map((c) => c.id)).toEqual(['61', '90']);
  expect(found?.incidents.map((i) => i.node)).toEqual(['75']);
  expect(instantOf(hour, 120, [], [])).toBeUndefined();
});

test('bars by place and by key', () => {
  expect([barAt(hour, 0), barAt(hour, 0.5), barAt(hour, 1), barAt(hour, -1)]).toEqual([0, 60, 119, 0]);
  expect(barByKey('ArrowLeft', 5, 120)).toBe(4);
  expect(barByKey('PageUp', 115, 120)).toBe(119);
  expect(barByKey('Home', 5, 120)).toBe(0);
  expect(barByKey('Enter', 5, 120)).toBeUndefined();
});
