import { expect, test } from 'vitest';
import type { LiveProxy, ServeTypeStatus } from '../../../api/generated/types.gen';
import { csvText } from '../../../lib/csv';
import { csvColumns } from './csv-columns';
import { columnSync, configType, findProxy, isFound, rowOf, rowsOf, tally } from './status';

const status = (type: string, more: Partial<ServeTypeStatus> = {}): ServeTypeStatus => ({
  type: `type.googleapis.com/envoy.config.x.v3.${type}`,
  subscribed: 0,
  held: 3,
  sent: { responses: 1, resources: 3, removed: 0, bytes: 1000 },
  acked: { count: 1, version: '8f31c2aa', at: '2026-11-21T10:00:00Z' },
  rejected: { count: 0 },
  ...more,
});
const proxy = (pod: string, more: Partial<LiveProxy> = {}): LiveProxy => ({
  uid: `uid-${pod}`,
  id: `${pod}.shop`,
  namespace: 'shop',
  pod,
  workload: pod.slice(0, -2),
  role: 'sidecar',
  ready: true,
  rps: 1,
  connected: '2026-11-21T10:00:00Z',
  streams: 1,
  settled: true,
  stale: false,
  refused: null,
  revision: '8f31c2aa',
  types: [status('Listener'), status('Cluster')],
  ...more,
});
const refusal = {
  type: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  resource: 'outbound|80||a',
  message: 'no',
  refs: null,
  at: '2026-11-21T10:00:00Z',
};
const mesh = new Map(
  [
    proxy('cart-1'),
    proxy('web-2', { settled: false, types: [status('Listener', { pendingSince: '2026-11-21T10:01:00Z' })] }),
    proxy('reviews-3', { refused: [refusal] }),
  ].map((p) => [p.uid, p]),
);
const everything = { namespaces: [], window: '5m' } as const;

test('types of configuration', () => {
  expect(configType('type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment')).toBe('endpoints');
  expect(configType('type.googleapis.com/envoy.config.route.v3.VirtualHost')).toBe('virtualHosts');
  expect(configType('something.else')).toBeUndefined();
});

test('the worst proxy comes first', () => {
  const rows = rowsOf(mesh, everything);
  expect(rows.map((r) => [r.proxy.pod, r.state])).toEqual([
    ['reviews-3', 'rejected'],
    ['web-2', 'waiting'],
    ['cart-1', 'ok'],
  ]);
  expect(tally(rows)).toEqual({ ok: 1, waiting: 1, rejected: 1 });
  expect(rowsOf(mesh, { ...everything, namespaces: ['other'] })).toEqual([]);
});

test('one type is rejected, the others are in sync', () => {
  const row = rowOf(proxy('reviews-3', { refused: [refusal] }));
  expect(row.sync.map((s) => [s.type, s.state])).toEqual([
    ['listeners', 'ok'],
    ['clusters', 'rejected'],
  ]);
  expect(row.sent).toBe(2000);
});

test('virtual hosts stand in the column of routes, the worse of both', () => {
  const routes = { ...refusal, type: 'type.googleapis.com/envoy.config.route.v3.VirtualHost' };
  const row = rowOf(proxy('a-1', { types: [status('RouteConfiguration'), status('VirtualHost')], refused: [routes] }));
  expect(columnSync(row, 'routes')).toMatchObject({ type: 'virtualHosts', state: 'rejected' });
  expect(columnSync(rowOf(proxy('a-1', { types: [status('VirtualHost')] })), 'routes')?.state).toBe('ok');
  expect(columnSync(row, 'secrets')).toBeUndefined();
});

test('filter by words and by terms', () => {
  const row = rowOf(proxy('cart-1'));
  expect(isFound(row, { q: 'cart shop' })).toBe(true);
  expect(isFound(row, { q: 'ns:shop, pod:cart' })).toBe(true);
  expect(isFound(row, { q: 'ns:cart' })).toBe(false);
  expect(isFound(row, { q: 'state:rejected' })).toBe(false);
  expect(isFound(row, { state: 'ok' })).toBe(true);
  const versioned = rowOf(proxy('cart-1', { version: '1.40.0', node: 'node-2' }));
  expect(isFound(versioned, { q: 'envoy:1.40 node:node-2', envoy: '1.40.0' })).toBe(true);
  expect(isFound(versioned, { envoy: '1.38.3' })).toBe(false);
});

test('an address names a proxy by any of its names', () => {
  for (const name of ['uid-cart-1', 'cart-1.shop', 'cart-1']) {
    expect(findProxy(mesh, name)?.pod).toBe('cart-1');
  }
  expect(findProxy(mesh, 'gone')).toBeUndefined();
});

test('as CSV: how it stands with each type, and what was refused', () => {
  const row = rowOf(proxy('web-1', { refused: [refusal], version: '1.40.0' }));
  const [head, line] = csvText(csvColumns, [row]).split('\r\n');
  expect(head).toBe(
    'state,proxy,workload,namespace,listeners,clusters,routes,endpoints,secrets,acknowledged,bytesSent,' +
      'requestsPerSecond,certificateEnds,envoy,revision,node,rejected',
  );
  expect(line).toBe('rejected,web-1,web,shop,ok,rejected,,,,2026-11-21T10:00:00.000Z,2000,1,,1.40.0,8f31c2aa,,no');
});
