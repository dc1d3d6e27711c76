import { expect, test } from 'vitest';
import { audience } from './audience';

test.each([
  ['spec: {hosts: [reviews]}', false, ['reviews']],
  ['spec: {hosts: ["*"], gateways: [shop]}', true, []],
  ['spec: {hosts: ["*.shop.test", www.shop.test], gateways: [shop]}', true, ['www.shop.test']],
  ['spec: {hosts: [shop], gateways: [mesh, shop]}', false, ['shop']],
  ['spec: {hosts: [shop], gateways: []}', false, ['shop']],
  ['spec: {hosts: shop', false, []],
  ['', false, []],
] as const)('%s', (yaml, gateway, hosts) => expect(audience(yaml)).toEqual({ gateway, hosts }));
