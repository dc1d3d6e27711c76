import { readCertificate } from './certificate';

/** What the tabs show, as the API calls it. */
export const parts = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets', 'bootstrap'] as const;
export type DumpPart = (typeof parts)[number];

/** A value of JSON whose shape Envoy decides: nothing in it is certain. */
type Any = Record<string, unknown>;

const object = (value: unknown): Any =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Any) : {};
const list = (value: unknown): Any[] => (Array.isArray(value) ? value.map(object) : []);
const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const at = (value: unknown, ...path: string[]): unknown => path.reduce<unknown>((v, key) => object(v)[key], value);
const configs = (dump: unknown): Any[] => list(at(dump, 'configs'));

function address(value: unknown): string {
  const socket = object(at(value, 'socket_address'));
  return text(socket.address) ? `${text(socket.address)}:${text(socket.port_value)}` : text(at(value, 'pipe', 'path'));
}

/** One filter chain of a listener. */
export interface ListenerRow {
  readonly id: string;
  readonly listener: string;
  readonly address: string;
  /** Which connections it takes; empty for all. */
  readonly match: readonly string[];
  readonly protocol: 'HTTP' | 'TCP' | '';
  /** The routes (HTTP) or clusters (TCP) that they are given to. */
  readonly to: string;
  readonly version: string;
  /** Why a newer one was rejected, in Envoy's words. */
  readonly error: string;
}

function chainMatch(match: Any): string[] {
  const ranges = list(match.prefix_ranges).map((r) => `${text(r.address_prefix)}/${text(r.prefix_len)}`);
  return [
    ...words(match.server_names).map((n) => `sni ${n}`),
    ...(match.destination_port ? [`port ${text(match.destination_port)}`] : []),
    ...ranges,
    ...(match.transport_protocol ? [text(match.transport_protocol)] : []),
    ...words(match.application_protocols),
  ];
}

function chainTarget(chain: Any): Pick<ListenerRow, 'protocol' | 'to'> {
  for (const filter of list(chain.filters)) {
    const config = object(filter.typed_config);
    const type = text(config['@type']);
    if (type.endsWith('HttpConnectionManager')) {
      const routes = text(at(config, 'rds', 'route_config_name')) || text(at(config, 'route_config', 'name'));
      return { protocol: 'HTTP', to: routes };
    }
    if (type.endsWith('TcpProxy')) {
      return { protocol: 'TCP', to: text(config.cluster) || weighted(object(config.weighted_clusters)) };
    }
  }
  return { protocol: '', to: '' };
}

export function listenerRows(dump: unknown): ListenerRow[] {
  return configs(dump).flatMap((config) => {
    const active = object(config.active_state);
    const listener = object(active.listener ?? config.listener);
    const chains = list(listener.filter_chains);
    const last = listener.default_filter_chain ? [object(listener.default_filter_chain)] : [];
    return [...chains, ...last].map((chain, i) => ({
      id: `${text(config.name)} ${i}`,
      listener: text(config.name) || text(listener.name),
      address: address(listener.address),
      match: chainMatch(object(chain.filter_chain_match)),
      ...chainTarget(chain),
      version: text(active.version_info),
      error: text(at(config, 'error_state', 'details')),
    }));
  });
}

/** One route of a virtual host. */
export interface RouteRow {
  readonly id: string;
  readonly config: string;
  readonly name: string;
  readonly domains: readonly string[];
  readonly match: string;
  readonly to: string;
  /** What else it does: time-out, retries, faults. */
  readonly does: readonly string[];
  readonly version: string;
}

const stringMatch = (m: Any): string => {
  for (const [key, mark] of [
    ['exact', '= '],
    ['prefix', '^ '],
    ['suffix', '$ '],
    ['contains', '* '],
  ] as const) {
    if (m[key] !== undefined) {
      return mark + text(m[key]);
    }
  }
  return m.safe_regex ? `~ ${text(at(m, 'safe_regex', 'regex'))}` : '';
};

function routeMatch(match: Any): string {
  const path =
    text(match.path) ||
    (match.prefix !== undefined && `prefix ${text(match.prefix)}`) ||
    (match.path_separated_prefix !== undefined && `prefix ${text(match.path_separated_prefix)}`) ||
    (match.safe_regex && `~ ${text(at(match, 'safe_regex', 'regex'))}`) ||
    (match.connect_matcher ? 'CONNECT' : '');
  const named = (kind: string, m: Any) => {
    const how = m.present_match !== undefined ? '' : stringMatch(object(m.string_match));
    return `${m.invert_match ? 'not ' : ''}${kind}${text(m.name)}${how ? ` ${how}` : ''}`;
  };
  return [
    path || '',
    ...list(match.headers).map((m) => named('', m)),
    ...list(match.query_parameters).map((m) => named('?', m)),
  ]
    .filter(Boolean)
    .join(', ');
}

const weighted = (clusters: Any): string =>
  list(clusters.clusters)
    .map((c) => `${text(c.name)} ${text(c.weight) || '0'}`)
    .join(', ');

function routeTarget(route: Any): string {
  const action = object(route.route);
  if (route.redirect) {
    const r = object(route.redirect);
    const where = [r.scheme_redirect, r.host_redirect, r.path_redirect ?? r.prefix_rewrite].map(text).filter(Boolean);
    return `redirect ${text(r.response_code)} ${where.join(' ')}`.replace(/ +/g, ' ').trim();
  }
  if (route.direct_response) {
    return `answer ${text(at(route, 'direct_response', 'status'))}`;
  }
  return text(action.cluster) || weighted(object(action.weighted_clusters)) || text(action.cluster_header);
}

function routeDoes(route: Any): string[] {
  const action = object(route.route);
  const retries = object(action.retry_policy);
  const fault = object(at(route, 'typed_per_filter_config', 'envoy.filters.http.fault'));
  const timeout = text(action.timeout);
  return [
    ...(timeout && timeout !== '0s' ? [`timeout ${timeout}`] : []),
    ...(retries.num_retries ? [`${text(retries.num_retries)} retries`] : []),
    ...(action.prefix_rewrite || action.regex_rewrite ? ['rewrite'] : []),
    ...(list(action.request_mirror_policies).length > 0 ? ['mirror'] : []),
    ...(fault.abort ? ['abort'] : []),
    ...(fault.delay ? ['delay'] : []),
  ];
}

export function routeRows(dump: unknown): RouteRow[] {
  return configs(dump).flatMap((config) => {
    const routes = object(config.route_config);
    return list(routes.virtual_hosts).flatMap((host) =>
      list(host.routes).map((route, i) => ({
        id: `${text(routes.name)} ${text(host.name)} ${i}`,
        config: text(routes.name),
        name: text(route.name),
        domains: words(host.domains),
        match: routeMatch(object(route.match)),
        to: routeTarget(route),
        does: routeDoes(route),
        version: text(config.version_info),
      })),
    );
  });
}

/** A cluster's name in its parts: "outbound|9080|v1|reviews.shop.svc.cluster.local". */
export interface ClusterName {
  readonly direction: 'outbound' | 'inbound' | '';
  readonly port: string;
  readonly subset: string;
  readonly host: string;
}

export function clusterName(name: string): ClusterName {
  const [direction, port = '', subset = '', host = ''] = name.split('|');
  return direction === 'outbound' || direction === 'inbound'
    ? { direction, port, subset, host }
    : { direction: '', port: '', subset: '', host: name };
}

/** The service of a host of the cluster: reviews.shop.svc.cluster.local is reviews in shop. */
export function serviceOf(host: string): { namespace: string; name: string } | undefined {
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc\./.exec(host) ?? [];
  return name && namespace ? { name, namespace } : undefined;
}

export interface ClusterRow extends ClusterName {
  readonly id: string;
  readonly type: string;
  readonly balancing: string;
  readonly tls: boolean;
  readonly connectTimeout: string;
  readonly outliers: boolean;
  readonly version: string;
  readonly error: string;
}

export function clusterRows(dump: unknown): ClusterRow[] {
  return configs(dump).map((config) => {
    const cluster = object(config.cluster);
    const secure = list(cluster.transport_socket_matches).some(
      (m) => text(at(m, 'transport_socket', 'name')) === 'envoy.transport_sockets.tls',
    );
    return {
      id: text(cluster.name),
      ...clusterName(text(cluster.name)),
      type: text(cluster.type) || text(at(cluster, 'cluster_type', 'name')) || 'STATIC',
      balancing: text(cluster.lb_policy).toLowerCase().replaceAll('_', ' ') || 'round robin',
      tls: secure || text(at(cluster, 'transport_socket', 'name')) === 'envoy.transport_sockets.tls',
      connectTimeout: text(cluster.connect_timeout),
      outliers: cluster.outlier_detection !== undefined,
      version: text(config.version_info),
      error: text(at(config, 'error_state', 'details')),
    };
  });
}

export interface EndpointRow extends ClusterName {
  readonly id: string;
  readonly address: string;
  readonly health: 'healthy' | 'failing' | 'unknown';
  readonly status: string;
  readonly weight: string;
  readonly locality: string;
  readonly priority: string;
}

const healthOf: Record<string, EndpointRow['health']> = {
  HEALTHY: 'healthy',
  UNHEALTHY: 'failing',
  TIMEOUT: 'failing',
  DRAINING: 'failing',
};

export function endpointRows(dump: unknown): EndpointRow[] {
  return configs(dump).flatMap((config) => {
    const assignment = object(config.endpoint_config ?? config.static_endpoint_config);
    const cluster = text(assignment.cluster_name);
    return list(assignment.endpoints).flatMap((group, g) =>
      list(group.lb_endpoints).map((endpoint, i) => {
        const status = text(endpoint.health_status) || 'UNKNOWN';
        return {
          id: `${cluster} ${g} ${i}`,
          ...clusterName(cluster),
          address: address(at(endpoint, 'endpoint', 'address')),
          health: healthOf[status] ?? 'unknown',
          status: status.toLowerCase(),
          weight: text(endpoint.load_balancing_weight) || '1',
          locality: ['region', 'zone', 'sub_zone']
            .map((k) => text(at(group, 'locality', k)))
            .filter(Boolean)
            .join('/'),
          priority: text(group.priority) || '0',
        };
      }),
    );
  });
}

export interface SecretRow {
  readonly id: string;
  readonly kind: 'certificate' | 'authorities' | 'other';
  readonly names: readonly string[];
  readonly from: number;
  readonly until: number;
  readonly updated: number;
  readonly version: string;
}

/** What inline bytes say: Envoy writes them in base64. */
function inline(value: unknown): string {
  const bytes = text(at(value, 'inline_bytes'));
  try {
    return bytes ? atob(bytes) : text(at(value, 'inline_string'));
  } catch {
    return '';
  }
}

export function secretRows(dump: unknown): SecretRow[] {
  return configs(dump).map((config) => {
    const secret = object(config.secret);
    const chain = at(secret, 'tls_certificate', 'certificate_chain');
    const trusted = at(secret, 'validation_context', 'trusted_ca');
    const certificate = readCertificate(inline(chain ?? trusted));
    return {
      id: text(config.name),
      kind: chain ? 'certificate' : trusted ? 'authorities' : 'other',
      names: certificate?.names ?? [],
      from: certificate?.from ?? 0,
      until: certificate?.until ?? 0,
      updated: Date.parse(text(config.last_updated)) || 0,
      version: text(config.version_info),
    };
  });
}

export interface BootstrapRow {
  readonly id: string;
  readonly value: string;
}

/** Each setting of the bootstrap with its path; the list of Envoy's extensions says nothing of this proxy. */
export function bootstrapRows(dump: unknown): BootstrapRow[] {
  const rows: BootstrapRow[] = [];
  const walk = (path: string, value: unknown) => {
    if (path === 'node.extensions' || path.endsWith('@type')) {
      return;
    }
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        walk(Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key, inner);
      }
      return;
    }
    rows.push({ id: path, value: String(value) });
  };
  walk('', at(configs(dump)[0], 'bootstrap'));
  return rows;
}

/** Whether a row is looked for: each word stands anywhere in it. */
export function isMet(row: object, q: string): boolean {
  const all = Object.values(row).flat().join('\n').toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
