import { expect, test } from 'vitest';
import { askedOf, versionOf } from './asked';

const params = {
  kind: 'VirtualService',
  namespace: 'shop',
  name: 'reviews',
  labels: 'v1/v2',
  from: '90/10',
  to: '70/30',
};

test('a change of weights names the route that it moved, and who got more', () => {
  const services = ['shop/reviews'];
  expect(askedOf({ summary: { code: 'weights', params: { ...params, route: '2' } }, services })).toEqual({
    service: 'shop/reviews',
    candidate: 'shop/reviews/http[2]',
    more: { label: 'v2', from: 10, to: 30 },
  });
  expect(askedOf({ summary: { code: 'weights', params }, services })?.candidate).toBe('');
  expect(askedOf({ summary: { code: 'changed', params }, services })).toBeUndefined();
  expect(askedOf({ summary: { code: 'weights', params }, services: [] })).toBeUndefined();
});

test('a subset of another name than its version is told by its share, unless two have the same', () => {
  expect(versionOf({ label: 'v2', to: 30 }, { v1: 30, v2: 70 })).toBe('v2');
  expect(versionOf({ label: 'next', to: 30 }, { v1: 70, v2: 30 })).toBe('v2');
  expect(versionOf({ label: 'next', to: 50 }, { v1: 50, v2: 50 })).toBeUndefined();
});
