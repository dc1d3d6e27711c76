import { expect, test } from 'vitest';
import { clock } from '../../../lib/format';
import { powerName, timeTicks } from './ticks';

const at = (text: string) => Date.parse(`2026-11-21T${text}`);
const shown = (from: string, to: string, most = 7) =>
  timeTicks(at(from), at(to), most).at.map((time) => clock(time, 'second'));

test.each([
  ['10:00:03', '10:01:03', ['10:00:10', '10:00:20', '10:00:30', '10:00:40', '10:00:50', '10:01:00']],
  ['10:00:03', '10:05:03', ['10:01:00', '10:02:00', '10:03:00', '10:04:00', '10:05:00']],
  ['10:00:03', '10:15:03', ['10:05:00', '10:10:00', '10:15:00']],
  ['10:07:03', '11:07:03', ['10:10:00', '10:20:00', '10:30:00', '10:40:00', '10:50:00', '11:00:00']],
  ['10:00:00', '10:00:01', ['10:00:00', '10:00:01']],
])('from %s to %s', (from, to, ticks) => {
  expect(shown(from, to)).toEqual(ticks);
});

test.each([1, 59, 60, 61, 3599, 86_400, 400 * 86_400])('never more than asked for: %d s', (seconds) => {
  const { at: ticks, step } = timeTicks(at('10:00:00.123'), at('10:00:00.123') + seconds * 1000, 7);
  expect(ticks.length).toBeLessThanOrEqual(7);
  expect(new Set(ticks.map((time, i) => time - (ticks[i - 1] ?? time - step)))).toEqual(
    new Set(ticks.length ? [step] : []),
  );
});

test.each([
  [0.1, '0.1'],
  [10 ** -2, '0.01'],
  [1, '1'],
  [100, '100'],
])('%d ms', (ms, name) => {
  expect(powerName(ms)).toBe(`${name}\u00a0ms`);
});

test('whole seconds from one on', () => {
  expect([1000, 10_000].map(powerName)).toEqual(['1\u00a0s', '10\u00a0s']);
});
