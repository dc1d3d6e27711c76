import { expect, test } from 'vitest';
import type { HistoryChange } from '../../api/generated/types.gen';
import { marksOf, servicesOf } from './marks';

const change = (id: string, at: string) => ({ id, at }) as HistoryChange;
const seconds = (at: string) => Date.parse(at) / 1000;

test('the changes of a workload are those of the services that it stands behind', () => {
  expect(servicesOf({ kind: 'service', namespace: 'default', name: 'reviews' })).toEqual(['default/reviews']);
  expect(
    servicesOf({
      kind: 'workload',
      namespace: 'default',
      name: 'reviews-v1',
      services: ['reviews.default.svc.cluster.local', 'api.example.com'],
    }),
  ).toEqual(['default/reviews']);
  expect(servicesOf({ kind: 'address', name: '10.0.0.1' })).toEqual([]);
});

test('changes and the begin of trouble are marks; only the newest change has words, and each is marked once', () => {
  const old = change('a', '2026-11-21T13:10:00Z');
  const late = change('b', '2026-11-21T13:50:00Z');
  expect(marksOf([old, late, old], ({ id }) => `of ${id}`, 'failing', '2026-11-21T13:54:00Z')).toEqual([
    { at: seconds(late.at), kind: 'change', label: 'of b' },
    { at: seconds(old.at), kind: 'change', label: '' },
    { at: seconds('2026-11-21T13:54:00Z'), kind: 'incident' },
  ]);
  expect(marksOf([], () => undefined, 'healthy', '2026-11-21T13:54:00Z')).toEqual([]);
});
