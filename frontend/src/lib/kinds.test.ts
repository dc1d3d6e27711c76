import { expect, test } from 'vitest';
import { addressOf, apiKind, fullName, isNamed, kindName, kindWord, neededFor } from './kinds';

const istio = { kind: 'Gateway', group: 'networking.istio.io', namespace: 'shop', name: 'public' };
const kubernetes = { ...istio, group: 'gateway.networking.k8s.io' };

test('the two kinds of gateway have addresses of their own', () => {
  expect(kindWord(istio)).toBe('Gateway');
  expect(kindWord(kubernetes)).toBe('Gateway.gateway.networking.k8s.io');
  expect(apiKind('Gateway')).toBe('Gateway.networking.istio.io');
  expect(apiKind(kindWord(kubernetes))).toBe('Gateway.gateway.networking.k8s.io');
  expect(kindName(kindWord(kubernetes))).toBe('Gateway');
  expect(isNamed(istio, addressOf(istio))).toBe(true);
  expect(isNamed(istio, addressOf(kubernetes))).toBe(false);
});

test('what has no namespace', () => {
  const cls = { kind: 'GatewayClass', group: 'gateway.networking.k8s.io', name: 'heddle' };
  expect(addressOf(cls).namespace).toBe('_');
  expect(isNamed(cls, addressOf(cls))).toBe(true);
  expect(fullName(cls)).toBe('GatewayClass heddle');
  expect(fullName(istio)).toBe('Gateway shop/public');
});

test('operators write traffic, administrators the rest', () => {
  expect(neededFor('VirtualService')).toBe('editTraffic');
  expect(neededFor('PeerAuthentication')).toBe('admin');
});
