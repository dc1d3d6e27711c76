import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { serviceAddress } from '../../lib/addresses';
import { instant, lasting } from '../../lib/format';
import { type Column, DataTable } from '../../ui/data-table';
import { HealthGlyph } from '../../ui/glyph';
import {
  type BootstrapRow,
  bootstrapRows,
  type ClusterName,
  type ClusterRow,
  clusterName,
  clusterRows,
  type DumpPart,
  type EndpointRow,
  endpointRows,
  isMet,
  type ListenerRow,
  listenerRows,
  type RouteRow,
  routeRows,
  type SecretRow,
  secretRows,
  serviceOf,
} from './model/dump';
import { useProxiesTexts } from './texts';

type Texts = ReturnType<typeof useProxiesTexts>;

interface TableOf<R> {
  readonly rows: readonly R[];
  readonly columns: readonly Column<R>[];
  /** Envoy's words about a newer version that it rejected. */
  readonly error?: (row: R) => string;
}

const mono = (text: string) => <span className="mono">{text}</span>;
const dim = (text: string) => <span className="mono dim">{text.slice(0, 6)}</span>;

/** A host, leading to its service where it is one. */
function Host({ host }: { host: string }) {
  const service = serviceOf(host);
  return service ? (
    <Link to={serviceAddress(service)} className="mono">
      {host}
    </Link>
  ) : (
    mono(host)
  );
}

/** Where traffic goes: one cluster leads to its service, anything else is said. */
function Target({ to }: { to: string }) {
  const { host, direction } = clusterName(to);
  const service = direction === 'outbound' ? serviceOf(host) : undefined;
  return service ? (
    <Link to={serviceAddress(service)} className="mono">
      {to}
    </Link>
  ) : (
    mono(to)
  );
}

function listeners(t: Texts, dump: unknown): TableOf<ListenerRow> {
  return {
    rows: listenerRows(dump),
    error: (r) => r.error,
    columns: [
      { id: 'listener', title: t('listener'), by: (r) => r.listener, cell: (r) => mono(r.listener) },
      { id: 'address', title: t('address'), by: (r) => r.address, cell: (r) => mono(r.address) },
      {
        id: 'match',
        title: t('match'),
        by: (r) => r.match.join(' '),
        fill: true,
        cell: (r) =>
          r.match.length > 0 ? (
            <span className="mono" data-ellipsis title={r.match.join(', ')}>
              {r.match.join(', ')}
            </span>
          ) : (
            <span className="dim">{t('match.all')}</span>
          ),
      },
      { id: 'protocol', title: t('protocol'), by: (r) => r.protocol, cell: (r) => r.protocol },
      { id: 'to', title: t('to'), by: (r) => r.to, cell: (r) => <Target to={r.to} /> },
      { id: 'version', title: t('version'), align: 'number', by: (r) => r.version, cell: (r) => dim(r.version) },
    ],
  };
}

function routes(t: Texts, dump: unknown): TableOf<RouteRow> {
  return {
    rows: routeRows(dump),
    columns: [
      { id: 'config', title: t('listener'), by: (r) => r.config, cell: (r) => mono(r.config) },
      {
        id: 'host',
        title: t('host'),
        by: (r) => r.domains[0] ?? '',
        cell: ({ domains: [first = '', ...more] }) => (
          <span title={[first, ...more].join('\n')}>
            {mono(first)} {more.length > 0 && <span className="dim num">+{more.length}</span>}
          </span>
        ),
      },
      { id: 'match', title: t('route.match'), by: (r) => r.match, cell: (r) => mono(r.match) },
      {
        id: 'to',
        title: t('to'),
        by: (r) => r.to,
        fill: true,
        cell: (r) => (
          <span data-ellipsis title={r.to}>
            <Target to={r.to} />
          </span>
        ),
      },
      { id: 'does', title: t('route.does'), by: (r) => r.does.join(), cell: (r) => r.does.join(', ') },
      {
        id: 'name',
        title: t('route.name'),
        by: (r) => r.name,
        cell: (r) => <span className="mono dim">{r.name}</span>,
      },
      { id: 'version', title: t('version'), align: 'number', by: (r) => r.version, cell: (r) => dim(r.version) },
    ],
  };
}

/** The columns that name a cluster. */
const named = <R extends ClusterName>(t: Texts): Column<R>[] => [
  {
    id: 'host',
    title: t('host'),
    by: (r) => r.host,
    fill: true,
    cell: (r) => (
      <span data-ellipsis title={r.host}>
        {r.host ? <Host host={r.host} /> : <span className="dim">{t('host.own')}</span>}
      </span>
    ),
  },
  { id: 'port', title: t('port'), align: 'number', by: (r) => Number(r.port) || 0, cell: (r) => r.port },
  { id: 'subset', title: t('subset'), by: (r) => r.subset, cell: (r) => r.subset },
];

function clusters(t: Texts, dump: unknown): TableOf<ClusterRow> {
  return {
    rows: clusterRows(dump),
    error: (r) => r.error,
    columns: [
      ...named<ClusterRow>(t),
      {
        id: 'direction',
        title: t('direction'),
        by: (r) => r.direction,
        cell: (r) => r.direction && t(`direction.${r.direction}`),
      },
      { id: 'kind', title: t('kind'), by: (r) => r.type, cell: (r) => mono(r.type) },
      { id: 'balancing', title: t('balancing'), by: (r) => r.balancing, cell: (r) => r.balancing },
      { id: 'tls', title: t('tls'), by: (r) => String(r.tls), cell: (r) => t(r.tls ? 'tls.yes' : 'tls.no') },
      {
        id: 'outliers',
        title: t('outliers'),
        by: (r) => String(r.outliers),
        cell: (r) => t(r.outliers ? 'tls.yes' : 'tls.no'),
      },
      {
        id: 'timeout',
        title: t('timeout'),
        align: 'number',
        by: (r) => r.connectTimeout,
        cell: (r) => r.connectTimeout,
      },
      { id: 'version', title: t('version'), align: 'number', by: (r) => r.version, cell: (r) => dim(r.version) },
    ],
  };
}

function endpoints(t: Texts, dump: unknown): TableOf<EndpointRow> {
  return {
    rows: endpointRows(dump),
    columns: [
      {
        id: 'health',
        title: t('health'),
        by: (r) => r.status,
        cell: (r) => (
          <>
            <HealthGlyph health={r.health} size={13} label="" /> {r.status}
          </>
        ),
      },
      { id: 'address', title: t('address'), by: (r) => r.address, cell: (r) => mono(r.address) },
      ...named<EndpointRow>(t),
      { id: 'locality', title: t('locality'), by: (r) => r.locality, cell: (r) => r.locality },
      { id: 'weight', title: t('weight'), align: 'number', by: (r) => Number(r.weight), cell: (r) => r.weight },
      { id: 'priority', title: t('priority'), align: 'number', by: (r) => Number(r.priority), cell: (r) => r.priority },
    ],
  };
}

function secrets(t: Texts, dump: unknown): TableOf<SecretRow> {
  const now = Date.now();
  return {
    rows: secretRows(dump),
    columns: [
      { id: 'name', title: t('secret.name'), by: (r) => r.id, cell: (r) => mono(r.id) },
      { id: 'kind', title: t('kind'), by: (r) => r.kind, cell: (r) => t(`secret.${r.kind}`) },
      {
        id: 'names',
        title: t('secret.names'),
        fill: true,
        cell: (r) => (
          <span className="mono" data-ellipsis title={r.names.join('\n')}>
            {r.names.join(', ')}
          </span>
        ),
      },
      {
        id: 'left',
        title: t('secret.left'),
        align: 'number',
        by: (r) => r.until,
        cell: (r): ReactNode =>
          !r.until ? (
            '–'
          ) : r.until < now ? (
            <span className="k-failing">{t('secret.over')}</span>
          ) : (
            lasting((r.until - now) / 1000, t.language)
          ),
      },
      {
        id: 'until',
        title: t('secret.until'),
        align: 'number',
        by: (r) => r.until,
        cell: (r) => (r.until ? instant(r.until, now) : '–'),
      },
      { id: 'version', title: t('version'), align: 'number', by: (r) => r.version, cell: (r) => dim(r.version) },
    ],
  };
}

function bootstrap(t: Texts, dump: unknown): TableOf<BootstrapRow> {
  return {
    rows: bootstrapRows(dump),
    columns: [
      { id: 'path', title: t('path'), by: (r) => r.id, cell: (r) => <span className="mono dim">{r.id}</span> },
      {
        id: 'value',
        title: t('value'),
        by: (r) => r.value,
        fill: true,
        cell: (r) => (
          <span className="mono" data-ellipsis title={r.value}>
            {r.value}
          </span>
        ),
      },
    ],
  };
}

interface DumpTableProps {
  readonly part: DumpPart;
  readonly dump: unknown;
  readonly q: string;
  readonly sort: string | undefined;
  readonly onSort: (sort: string) => void;
}

/** One part of a proxy's configuration as a table that can be read and searched. */
export function DumpTable({ part, ...props }: DumpTableProps) {
  const t = useProxiesTexts();
  switch (part) {
    case 'listeners':
      return <Rows of={listeners(t, props.dump)} label={t('tab.listeners')} {...props} />;
    case 'routes':
      return <Rows of={routes(t, props.dump)} label={t('tab.routes')} {...props} />;
    case 'clusters':
      return <Rows of={clusters(t, props.dump)} label={t('tab.clusters')} {...props} />;
    case 'endpoints':
      return <Rows of={endpoints(t, props.dump)} label={t('tab.endpoints')} {...props} />;
    case 'secrets':
      return <Rows of={secrets(t, props.dump)} label={t('tab.secrets')} {...props} />;
    case 'bootstrap':
      return <Rows of={bootstrap(t, props.dump)} label={t('tab.bootstrap')} {...props} />;
  }
}

function Rows<R extends { readonly id: string }>({
  of: { rows, columns, error },
  label,
  q,
  sort,
  onSort,
}: { of: TableOf<R>; label: string } & Omit<DumpTableProps, 'part' | 'dump'>) {
  const t = useProxiesTexts();
  if (rows.length === 0) {
    return <p className="px-none dim">{t('dump.empty')}</p>;
  }
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={rows.filter((row) => isMet(row, q))}
      rowKey={(row) => row.id}
      sort={sort}
      onSort={onSort}
      rowTone={(row) => (error?.(row) ? 'failing' : undefined)}
      detail={(row) =>
        error?.(row) && (
          <div className="nkx px-nkd">
            <span className="nkm" data-ellipsis>
              <q className="mono">{error(row)}</q>
            </span>
          </div>
        )
      }
    />
  );
}
