import { expect, test } from 'vitest';
import { objectId } from './object-id';

test('an id has the group, and nothing where there is no namespace', () => {
  const reviews = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' };
  expect(objectId(reviews)).toBe('VirtualService.networking.istio.io/bookinfo/reviews');
  expect(objectId({ kind: 'Namespace', name: 'bookinfo' })).toBe('Namespace//bookinfo');
});
