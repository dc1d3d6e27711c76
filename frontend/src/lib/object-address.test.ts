import { expect, test } from 'vitest';
import { objectAddress } from './object-address';

test('the page about an object', () => {
  const of = (kind: string, group?: string, path?: string) =>
    objectAddress({ kind, group, namespace: 'shop', name: 'cart' }, path);
  expect(of('VirtualService', 'networking.istio.io')).toBe('/rules/VirtualService/shop/cart');
  expect(of('VirtualService', 'networking.istio.io', 'spec.http[0]')).toBe(
    '/rules/VirtualService/shop/cart?at=spec.http%5B0%5D',
  );
  expect(of('PeerAuthentication', 'security.istio.io')).toBe('/rules/PeerAuthentication/shop/cart');
  expect(of('Gateway', 'gateway.networking.k8s.io')).toBe('/rules/Gateway.gateway.networking.k8s.io/shop/cart');
  expect(of('Service')).toBe('/services/shop/cart');
  expect(of('Deployment', 'apps')).toBe('/workloads/shop/cart');
  expect(of('Pod')).toBeUndefined();
});
