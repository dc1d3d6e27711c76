import { expect, test } from 'vitest';
import { addressOf, apiKind, fullName, isNamed, kindName, kindWord, neededToWrite, roleToWrite } from './kinds';

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

test.each([
  ['networking.istio.io', 'VirtualService', 'editTraffic'],
  ['networking.istio.io', 'Gateway', 'admin'],
  ['security.istio.io', 'PeerAuthentication', 'admin'],
  ['gateway.networking.k8s.io', 'HTTPRoute', 'admin'],
  ['apps', 'Deployment', 'owner'],
  [undefined, 'Service', 'owner'],
  ['notistio.io', 'VirtualService', 'owner'],
])('%s %s needs %s', (group, kind, needed) => {
  expect(neededToWrite({ ...(group ? { group } : {}), kind })).toBe(needed);
});

test('who may write several objects', () => {
  const route = { group: 'networking.istio.io', kind: 'VirtualService' };
  expect(roleToWrite([])).toBe('operator');
  expect(roleToWrite([route])).toBe('operator');
  expect(roleToWrite([route, istio])).toBe('admin');
  expect(roleToWrite([route, istio, { group: 'apps', kind: 'Deployment' }])).toBe('owner');
});
