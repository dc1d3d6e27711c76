import { expect, test } from 'vitest';
import type { Ref, Setting } from '../../../api/generated/types.gen';
import { decidedBy, servicesOf } from './origin';

const istio = 'networking.istio.io';
const route: Ref = { group: istio, kind: 'VirtualService', namespace: 'shop', name: 'reviews' };
const versions: Ref = { group: istio, kind: 'DestinationRule', namespace: 'shop', name: 'reviews' };
const split: Setting = { setting: 'split', value: 'v1 100', from: [route], path: 'spec.http[0].route', line: 7 };
const balancing: Setting = {
  setting: 'loadBalancer',
  value: 'RANDOM',
  from: [versions, route],
  path: 'spec.x',
  line: 3,
};
const byDefault: Setting = { setting: 'tls', value: 'mutual', from: null };

test('what an object decides, with field and line where these are its own', () => {
  expect(decidedBy([split, balancing, byDefault], route)).toEqual([
    { setting: split, path: 'spec.http[0].route', line: 7 },
    { setting: balancing },
  ]);
  expect(decidedBy([split, split], route)).toHaveLength(1);
  expect(decidedBy([split], { ...route, kind: 'Sidecar' })).toEqual([]);
});

test('services by their hosts', () => {
  expect(servicesOf(['reviews.shop.svc.cluster.local', 'api.example.com'])).toEqual([
    { namespace: 'shop', name: 'reviews' },
  ]);
  expect(servicesOf(undefined)).toEqual([]);
});
