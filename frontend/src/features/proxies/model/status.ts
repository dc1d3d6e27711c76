import type { LiveProxy, RefusedResource, ServeTypeStatus } from '../../../api/generated/types.gen';
import { inScope, type Scope } from '../../../lib/scope';

/** The types of configuration, in the order in which they are shown. */
export const types = ['listeners', 'clusters', 'routes', 'virtualHosts', 'endpoints', 'secrets', 'runtime'] as const;
export type ConfigType = (typeof types)[number];

/** Envoy's short names of the services that carry them. */
export const shortName: Record<ConfigType, string> = {
  listeners: 'LDS',
  clusters: 'CDS',
  routes: 'RDS',
  virtualHosts: 'VHDS',
  endpoints: 'EDS',
  secrets: 'SDS',
  runtime: 'RTDS',
};

const byMessage: Record<string, ConfigType> = {
  Listener: 'listeners',
  Cluster: 'clusters',
  RouteConfiguration: 'routes',
  ScopedRouteConfiguration: 'routes',
  VirtualHost: 'virtualHosts',
  ClusterLoadAssignment: 'endpoints',
  Secret: 'secrets',
  Runtime: 'runtime',
};

/** What a type URL carries: "type.googleapis.com/envoy.config.cluster.v3.Cluster" is clusters. */
export const configType = (url: string): ConfigType | undefined => byMessage[url.slice(url.lastIndexOf('.') + 1)];

export type SyncState = 'ok' | 'waiting' | 'rejected';

/** What is wrong comes first. */
const rank: Record<SyncState, number> = { rejected: 0, waiting: 1, ok: 2 };

/** How a proxy stands with one type. */
export interface TypeSync {
  readonly type: ConfigType;
  readonly state: SyncState;
  readonly held: number;
  /** What was acknowledged last, and when. */
  readonly version: string;
  readonly acked: number;
  readonly refused: readonly RefusedResource[];
  readonly pendingSince?: number;
}

function typeSync(type: ConfigType, status: ServeTypeStatus, refused: readonly RefusedResource[]): TypeSync {
  const own = refused.filter((r) => configType(r.type) === type);
  return {
    type,
    state: own.length > 0 ? 'rejected' : status.pendingSince ? 'waiting' : 'ok',
    held: status.held,
    version: status.acked.version ?? '',
    acked: status.acked.at ? Date.parse(status.acked.at) : 0,
    refused: own,
    ...(status.pendingSince ? { pendingSince: Date.parse(status.pendingSince) } : {}),
  };
}

/** A proxy with what a row of the list shows. */
export interface ProxyRow {
  readonly proxy: LiveProxy;
  readonly state: SyncState;
  readonly sync: readonly TypeSync[];
  /** When it acknowledged anything last. */
  readonly acked: number;
  /** Bytes sent since it connected. */
  readonly sent: number;
}

export function rowOf(proxy: LiveProxy): ProxyRow {
  const refused = proxy.refused ?? [];
  const known = proxy.types ?? [];
  const sync = types.flatMap((type) => {
    const status = known.find((s) => configType(s.type) === type);
    return status ? [typeSync(type, status, refused)] : [];
  });
  return {
    proxy,
    state:
      refused.length > 0 ? 'rejected' : !proxy.settled || sync.some((s) => s.state === 'waiting') ? 'waiting' : 'ok',
    sync,
    acked: Math.max(0, ...sync.map((s) => s.acked)),
    sent: known.reduce((sum, s) => sum + s.sent.bytes, 0),
  };
}

/** The types that have a column in the list; the page of a proxy has them all. */
export const columnTypes = ['listeners', 'clusters', 'routes', 'endpoints', 'secrets'] as const;

/** How a proxy stands with the type of a column: virtual hosts are parts of routes, the worse of both counts. */
export function columnSync({ sync }: ProxyRow, type: ConfigType): TypeSync | undefined {
  return sync
    .filter((s) => s.type === type || (type === 'routes' && s.type === 'virtualHosts'))
    .sort((a, b) => rank[a.state] - rank[b.state])[0];
}

export interface ProxyFilter {
  readonly q?: string | undefined;
  readonly state?: string | undefined;
  /** A version of Envoy. */
  readonly envoy?: string | undefined;
}

/** The proxies in scope, the worst first. */
export function rowsOf(proxies: ReadonlyMap<string, LiveProxy>, scope: Scope): ProxyRow[] {
  return [...proxies.values()]
    .filter((p) => inScope(scope, p.namespace))
    .map(rowOf)
    .sort(
      (a, b) =>
        rank[a.state] - rank[b.state] ||
        (a.proxy.namespace ?? '').localeCompare(b.proxy.namespace ?? '') ||
        a.proxy.pod.localeCompare(b.proxy.pod),
    );
}

/** What each named term of the filter looks at. */
const terms: Record<string, (row: ProxyRow) => string> = {
  ns: ({ proxy }) => proxy.namespace ?? '',
  namespace: ({ proxy }) => proxy.namespace ?? '',
  workload: ({ proxy }) => proxy.workload,
  pod: ({ proxy }) => proxy.pod,
  role: ({ proxy }) => proxy.role ?? '',
  revision: ({ proxy }) => proxy.revision ?? '',
  envoy: ({ proxy }) => proxy.version ?? '',
  node: ({ proxy }) => proxy.node ?? '',
  state: ({ state }) => state,
};

/** Whether a proxy is looked for; each word must be met, "term:word" by one thing only. */
export function isFound(row: ProxyRow, filter: ProxyFilter): boolean {
  const { proxy } = row;
  if ((filter.state && row.state !== filter.state) || (filter.envoy && proxy.version !== filter.envoy)) {
    return false;
  }
  const all = [proxy.pod, proxy.workload, proxy.namespace, proxy.role, proxy.revision].join('\n').toLowerCase();
  return (filter.q ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .every((word) => {
      const [, term = '', rest = ''] = /^(\w+):(.*)$/.exec(word) ?? [];
      const looksAt = terms[term];
      return looksAt ? looksAt(row).toLowerCase().includes(rest) : all.includes(word);
    });
}

export function tally(rows: readonly ProxyRow[]): Record<SyncState, number> {
  const counts = { ok: 0, waiting: 0, rejected: 0 };
  for (const row of rows) {
    counts[row.state]++;
  }
  return counts;
}

/** The proxy that an address names: by UID, by "pod.namespace" or by the pod alone. */
export function findProxy(proxies: ReadonlyMap<string, LiveProxy>, name: string): LiveProxy | undefined {
  const all = [...proxies.values()];
  return all.find((p) => p.uid === name) ?? all.find((p) => p.id === name) ?? all.find((p) => p.pod === name);
}
