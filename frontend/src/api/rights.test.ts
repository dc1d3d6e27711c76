import { expect, test } from 'vitest';
import { neededToWrite } from './rights';

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
