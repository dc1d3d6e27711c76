import { expect, test } from 'vitest';
import type { HistoryChange } from '../../api/generated/types.gen';
import { isFound } from './rows';

const change = (namespace: string | undefined): HistoryChange => ({
  id: '12',
  actor: 'lena',
  via: 'console',
  at: '2026-01-01T10:00:00Z',
  undoable: true,
  services: ['shop/reviews'],
  summary: { code: 'changed', params: {} },
  entries: [
    {
      op: 'change',
      ref: {
        group: 'networking.istio.io',
        kind: 'VirtualService',
        name: 'reviews',
        ...(namespace ? { namespace } : {}),
      },
    },
  ],
});

test('each word must be found: in the sentence, who made it, an object, a service or the number', () => {
  const of = (q: string) => isFound(change('shop'), 'v3 0 → 20 %', q);
  expect(of('LENA reviews')).toBe(true);
  expect(of('v3 20')).toBe(true);
  expect(of('shop/reviews 12')).toBe(true);
  expect(of('lena ratings')).toBe(false);
  expect(of('')).toBe(true);
});
