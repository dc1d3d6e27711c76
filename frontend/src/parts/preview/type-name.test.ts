import { expect, test } from 'vitest';
import { typeName } from './type-name';

test('types by their short names', () => {
  expect(typeName('type.googleapis.com/envoy.config.route.v3.VirtualHost')).toBe('VHDS');
  expect(typeName('type.googleapis.com/envoy.config.route.v3.RouteConfiguration')).toBe('RDS');
  expect(typeName('rds')).toBe('RDS');
});
