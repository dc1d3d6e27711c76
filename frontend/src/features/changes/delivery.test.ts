import { expect, test } from 'vitest';
import type { DeliverySummary, LiveDelivery } from '../../api/generated/types.gen';
import { between, byUrgency, inOrder, progress } from './delivery';

const row = (uid: string, state: string, more: Partial<LiveDelivery> = {}): LiveDelivery => ({
  id: uid,
  uid,
  state,
  namespace: 'bookinfo',
  workload: uid,
  rps: 0,
  since: '2026-01-01T10:00:00Z',
  ...more,
});

test('rejected first, then pending by traffic, then the latest answers', () => {
  const rows = [
    row('early', 'acknowledged'),
    row('idle', 'pending'),
    row('late', 'acknowledged', { since: '2026-01-01T10:00:01Z' }),
    row('no', 'rejected'),
    row('busy', 'pending', { rps: 9 }),
  ];
  expect([...rows].sort(byUrgency).map((r) => r.uid)).toEqual(['no', 'busy', 'idle', 'late', 'early']);
});

test('while somebody looks at the list nothing moves, and new ones come last', () => {
  const rows = [row('new', 'rejected'), row('a', 'acknowledged'), row('b', 'rejected')];
  expect(inOrder(rows, ['a', 'b']).map((r) => r.uid)).toEqual(['a', 'b', 'new']);
});

const summary = (more: Partial<DeliverySummary>): DeliverySummary => ({
  acknowledged: 0,
  concerned: 20,
  known: true,
  last: null,
  pending: 20,
  rejected: 0,
  sent: null,
  written: '2026-01-01T10:00:00Z',
  ...more,
});

test.each([
  [undefined, false, 'done todo todo todo'],
  [summary({}), false, 'done now todo todo'],
  [summary({ sent: 'x', acknowledged: 17, pending: 3 }), false, 'done done now now'],
  [summary({ sent: 'x', acknowledged: 17, rejected: 1 }), false, 'done done bad now'],
  [summary({ sent: 'x', acknowledged: 20 }), false, 'done done done now'],
  [summary({ sent: 'x', acknowledged: 20 }), true, 'done done done done'],
  [summary({ concerned: 0 }), true, 'done done done done'],
])('progress %#', (s, settled, want) => {
  const p = progress(s, settled);
  expect([p.written, p.sent, p.acknowledged, p.measured].join(' ')).toBe(want);
});

test('the time between two instants', () => {
  expect(between('2026-01-01T10:00:00Z', '2026-01-01T10:00:00.038Z')).toBe(38);
  expect(between('2026-01-01T10:00:00Z', null)).toBeUndefined();
});
