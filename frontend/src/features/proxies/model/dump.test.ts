import { expect, test } from 'vitest';
import {
  bootstrapRows,
  clusterName,
  clusterRows,
  endpointRows,
  isMet,
  listenerRows,
  routeRows,
  secretRows,
  serviceOf,
} from './dump';

const type = (name: string) => ({ '@type': `type.googleapis.com/envoy.x.v3.${name}` });
const socket = { socket_address: { address: '0.0.0.0', port_value: 9080 } };

test('a row for each filter chain: what it takes, and where it leads', () => {
  const rows = listenerRows({
    configs: [
      {
        name: '0.0.0.0_9080',
        error_state: { details: 'duplicate listener' },
        active_state: {
          version_info: 'abc',
          listener: {
            address: socket,
            filter_chains: [
              {
                filter_chain_match: {
                  destination_port: 443,
                  server_names: ['a.shop'],
                  transport_protocol: 'tls',
                  prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }],
                },
                filters: [{ typed_config: { ...type('TcpProxy'), cluster: 'outbound|443||a' } }],
              },
              { filters: [{ typed_config: { ...type('HttpConnectionManager'), rds: { route_config_name: '9080' } } }] },
            ],
            default_filter_chain: { filters: [] },
          },
        },
      },
    ],
  });
  expect(rows.map((r) => [r.address, r.match.join(' '), r.protocol, r.to])).toEqual([
    ['0.0.0.0:9080', 'sni a.shop port 443 10.0.0.0/8 tls', 'TCP', 'outbound|443||a'],
    ['0.0.0.0:9080', '', 'HTTP', '9080'],
    ['0.0.0.0:9080', '', '', ''],
  ]);
  expect(rows[0]?.error).toBe('duplicate listener');
});

test('a row for each route', () => {
  const routes = [
    {
      match: { prefix: '/', headers: [{ name: 'end-user', string_match: { exact: 'jason' } }] },
      route: {
        weighted_clusters: {
          clusters: [
            { name: 'v1', weight: 90 },
            { name: 'v2', weight: 10 },
          ],
        },
        timeout: '2s',
        retry_policy: { num_retries: 3 },
      },
    },
    { match: { safe_regex: { regex: '/a.*' } }, redirect: { host_redirect: 'b.shop', response_code: 'FOUND' } },
    { match: { path: '/x', headers: [{ name: 'a', invert_match: true }] }, direct_response: { status: 404 } },
    { match: { prefix: '/' }, route: { cluster: 'a', timeout: '0s' } },
  ];
  const rows = routeRows({
    configs: [{ route_config: { name: '9080', virtual_hosts: [{ name: 'reviews', domains: ['reviews'], routes }] } }],
  });
  expect(rows.map((r) => [r.match, r.to, r.does.join(' ')])).toEqual([
    ['prefix /, end-user = jason', 'v1 90, v2 10', 'timeout 2s 3 retries'],
    ['~ /a.*', 'redirect FOUND b.shop', ''],
    ['/x, not a', 'answer 404', ''],
    ['prefix /', 'a', ''],
  ]);
});

test('clusters by the parts of their name', () => {
  expect(clusterName('outbound|9080|v1|reviews.shop.svc.cluster.local')).toEqual({
    direction: 'outbound',
    port: '9080',
    subset: 'v1',
    host: 'reviews.shop.svc.cluster.local',
  });
  expect(clusterName('PassthroughCluster').host).toBe('PassthroughCluster');
  expect(serviceOf('reviews.shop.svc.cluster.local')).toEqual({ namespace: 'shop', name: 'reviews' });
  expect(serviceOf('example.com')).toBeUndefined();
  const [row] = clusterRows({
    configs: [
      {
        cluster: {
          name: 'outbound|80||a',
          type: 'EDS',
          lb_policy: 'LEAST_REQUEST',
          transport_socket_matches: [{ transport_socket: { name: 'envoy.transport_sockets.tls' } }],
        },
      },
    ],
  });
  expect(row).toMatchObject({ host: 'a', type: 'EDS', balancing: 'least request', tls: true, outliers: false });
});

test('endpoints with their health', () => {
  const endpoint = (health_status: string) => ({ endpoint: { address: socket }, health_status });
  const rows = endpointRows({
    configs: [
      { endpoint_config: { cluster_name: 'BlackHoleCluster' } },
      {
        endpoint_config: {
          cluster_name: 'outbound|80||a',
          endpoints: [
            { locality: { region: 'eu', zone: 'b' }, lb_endpoints: [endpoint('HEALTHY'), endpoint('DRAINING')] },
          ],
        },
      },
    ],
  });
  expect(rows.map((r) => [r.host, r.address, r.health, r.locality])).toEqual([
    ['a', '0.0.0.0:9080', 'healthy', 'eu/b'],
    ['a', '0.0.0.0:9080', 'failing', 'eu/b'],
  ]);
});

test('secrets say what they are, and hold no key', () => {
  const rows = secretRows({
    configs: [
      { name: 'default', secret: { tls_certificate: { certificate_chain: { inline_bytes: btoa('x') } } } },
      { name: 'ROOTCA', secret: { validation_context: { trusted_ca: { inline_bytes: '%' } } } },
    ],
  });
  expect(rows.map((r) => [r.id, r.kind, r.until])).toEqual([
    ['default', 'certificate', 0],
    ['ROOTCA', 'authorities', 0],
  ]);
});

test('the bootstrap as paths', () => {
  const bootstrap = { node: { id: 'a', extensions: [{ name: 'x' }] }, admin: { ports: [1, 2], ...type('A') } };
  expect(bootstrapRows({ configs: [{ bootstrap }] })).toEqual([
    { id: 'node.id', value: 'a' },
    { id: 'admin.ports[0]', value: '1' },
    { id: 'admin.ports[1]', value: '2' },
  ]);
});

test('a dump of another shape is an empty table, no crash', () => {
  for (const dump of [undefined, null, [], {}, { configs: [{}, null, 'x'] }]) {
    for (const rows of [listenerRows, routeRows, clusterRows, endpointRows, secretRows, bootstrapRows]) {
      expect(Array.isArray(rows(dump))).toBe(true);
    }
  }
});

test('each word stands anywhere in a row', () => {
  expect(isMet({ a: 'Reviews', b: ['v1', 'v2'] }, 'v2 reviews')).toBe(true);
  expect(isMet({ a: 'reviews' }, 'ratings')).toBe(false);
});
