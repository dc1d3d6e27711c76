import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { LiveProxy } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { proxyAddress, workloadAddress } from '../../lib/addresses';
import { age, bytes, clock, duration, lasting, plain } from '../../lib/format';
import { fullName } from '../../lib/kinds';
import { answerTime, certificatesOf, isOlder, mostFrequent, newest, oldestFirst } from '../../lib/proxy-figures';
import type { Column, DataTableProps } from '../../ui/data-table';
import { Figure } from '../../ui/figure';
import { SyncGlyph } from '../../ui/glyph';
import { List } from '../../ui/list';
import { ObjectLink } from '../../ui/object-link';
import { PageHead } from '../../ui/page';
import { SaveTable } from '../../ui/save-csv';
import { Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { useScope } from '../../ui/use-scope';
import { csvColumns } from './model/csv-columns';
import {
  columnSync,
  columnTypes,
  isFound,
  type ProxyFilter,
  type ProxyRow,
  rowsOf,
  shortName,
  tally,
} from './model/status';
import './proxies.css';
import { useProxiesTexts } from './texts';

interface ProxiesSearch extends ProxyFilter {
  readonly sort?: string;
}

/** How each proxy stands with each type of configuration; what was rejected comes first. */
export function ProxiesPage() {
  const t = useProxiesTexts();
  const search = useSearch({ strict: false }) as ProxiesSearch;
  const navigate = useNavigate();
  const topic = useTopic('proxies');
  const status = useTopicStatus(topic);
  const now = useNow(5000);
  const all = rowsOf(useElements<LiveProxy>(topic), useScope());
  const rows = all.filter((row) => isFound(row, search));
  const put = (change: { [K in keyof ProxiesSearch]?: string | undefined }) =>
    void navigate({ to: '.', search: (old: object) => ({ ...old, ...change }), replace: true });
  const revision = mostFrequent(all.map(({ proxy }) => proxy.revision ?? ''));
  const versions = oldestFirst(all.flatMap(({ proxy }) => proxy.version || []));
  const latest = newest(versions);
  const push = answerTime(
    all.map(({ proxy }) => proxy),
    99,
  );

  const columns: Column<ProxyRow>[] = [
    {
      id: 'proxy',
      title: t('col.proxy'),
      by: ({ proxy }) => proxy.pod,
      cell: ({ proxy }) => (
        <Link to={proxyAddress(proxy.id)} className="mono">
          {proxy.pod}
        </Link>
      ),
    },
    {
      id: 'workload',
      title: t('col.workload'),
      by: ({ proxy }) => proxy.workload,
      cell: ({ proxy }) => (
        <Link to={workloadAddress({ namespace: proxy.namespace, name: proxy.workload })}>{proxy.workload}</Link>
      ),
    },
    {
      id: 'namespace',
      title: t('col.namespace'),
      by: ({ proxy }) => proxy.namespace ?? '',
      fill: true,
      cell: ({ proxy }) => proxy.namespace,
    },
    ...columnTypes.map(
      (type): Column<ProxyRow> => ({
        id: type,
        title: shortName[type],
        align: 'glyph',
        cell: (row) => {
          const of = columnSync(row, type);
          return of && <SyncGlyph state={of.state} name={t(`type.${of.type}`)} />;
        },
      }),
    ),
    {
      id: 'acked',
      title: t('col.acked'),
      align: 'number',
      by: ({ acked }) => acked,
      cell: ({ acked }) => (acked ? age(acked, now, t.language) : '–'),
    },
    {
      id: 'sent',
      title: t('col.sent'),
      align: 'number',
      by: ({ sent }) => sent,
      cell: ({ sent }) => <Figure of={bytes(sent)} />,
    },
    {
      id: 'certificate',
      title: t('col.certificate'),
      align: 'number',
      by: ({ proxy }) => (proxy.certificateEnds ? Date.parse(proxy.certificateEnds) : Number.MAX_SAFE_INTEGER),
      cell: ({ proxy }) => <Certificate proxy={proxy} now={now} />,
    },
    {
      id: 'envoy',
      title: t('col.envoy'),
      by: ({ proxy }) => versions.indexOf(proxy.version ?? ''),
      cell: ({ proxy: { version } }) => (
        <span className="num">
          {version}
          {version && isOlder(version, latest) && <span className="tag">{t('behind')}</span>}
        </span>
      ),
    },
    // On one machine it says nothing.
    ...(new Set(all.map(({ proxy }) => proxy.node)).size > 1
      ? [
          {
            id: 'node',
            title: t('col.node'),
            by: ({ proxy }: ProxyRow) => proxy.node ?? '',
            cell: ({ proxy }: ProxyRow) => proxy.node,
          },
        ]
      : []),
  ];

  const table: DataTableProps<ProxyRow> = {
    label: t('title'),
    columns,
    rows,
    rowKey: (r) => r.proxy.uid,
    sort: search.sort,
    onSort: (sort) => put({ sort }),
    rowTone: (r) => (r.state === 'rejected' ? 'failing' : undefined),
    detail: (r) => r.state === 'rejected' && <Rejection proxy={r.proxy} />,
  };

  return (
    <div className="page">
      <PageHead
        title={t('title')}
        facts={status.state === 'ready' && <Facts rows={all} />}
        actions={<SaveTable name="proxies" csv={csvColumns} table={table} />}
      />
      {status.state === 'error' ? (
        <Failed title={t('failed')} error={status} />
      ) : status.state === 'loading' ? (
        <Loading lines={8} />
      ) : all.length === 0 ? (
        <Empty title={t('empty.title')}>{t('empty.text')}</Empty>
      ) : (
        <List
          find={{ label: t('find'), example: t('find.example'), value: search.q }}
          onFind={(q) => put({ q })}
          filters={[
            {
              label: t('state'),
              value: search.state,
              options: [
                { value: '', text: t('state.any') },
                ...(['rejected', 'waiting', 'ok'] as const).map((s) => ({ value: s, text: t(`state.${s}`) })),
              ],
              onPick: (state) => put({ state }),
            },
            ...(versions.length > 1
              ? [
                  {
                    label: t('col.envoy'),
                    value: search.envoy,
                    options: [{ value: '', text: t('envoy.any') }, ...versions.map((v) => ({ value: v, text: v }))],
                    onPick: (envoy: string | undefined) => put({ envoy }),
                  },
                ]
              : []),
          ]}
          more={
            <span className="px-push num">
              {push !== undefined && t('push', { time: plain(duration(push)) })}
              {push !== undefined && revision && ' · '}
              {revision && t('revision', { revision: revision.slice(0, 6) })}
            </span>
          }
          table={table}
          noMatch={{ title: t('noMatch.title'), action: t('noMatch.action') }}
          onShowAll={() => put({ q: undefined, state: undefined, envoy: undefined })}
        />
      )}
    </div>
  );
}

/** How long the certificate holds that it presents; loud only when it should have been renewed. */
function Certificate({ proxy, now }: { proxy: LiveProxy; now: number }) {
  const t = useProxiesTexts();
  if (!proxy.certificateEnds) {
    return '–';
  }
  const left = Date.parse(proxy.certificateEnds) - now;
  if (left <= 0) {
    return <span className="k-failing">{t('certificate.ended')}</span>;
  }
  const late = certificatesOf([proxy], now)?.overdue;
  return <span className={late ? 'k-degraded' : undefined}>{lasting(left / 1000, t.language)}</span>;
}

function Facts({ rows }: { rows: readonly ProxyRow[] }) {
  const t = useProxiesTexts();
  const counts = tally(rows);
  return (
    <>
      <span>{t('facts.connected', { count: rows.length })}</span>
      {rows.length > 0 && <span>{t('facts.ok', { count: counts.ok })}</span>}
      {counts.waiting > 0 && <span>{t('facts.waiting', { count: counts.waiting })}</span>}
      {counts.rejected > 0 && <span className="k-failing">{t('facts.rejected', { count: counts.rejected })}</span>}
    </>
  );
}

/** The second line of a row: Envoy's words, and the object that caused it. */
function Rejection({ proxy }: { proxy: LiveProxy }) {
  const t = useProxiesTexts();
  const [first, ...others] = proxy.refused ?? [];
  if (!first) {
    return null;
  }
  const [culprit] = first.refs ?? [];
  return (
    <div className="nkx px-nkd">
      <span className="nkm" data-ellipsis>
        <b>{t('rejected.at', { time: clock(first.at) })}</b>
        <q className="mono">{first.message}</q>
      </span>
      {others.length > 0 && <span>{t('rejected.more', { count: others.length })}</span>}
      {culprit && (
        <span className="nkc">
          {t.rich('rejected.by', { object: <ObjectLink to={culprit}>{fullName(culprit)}</ObjectLink> })}
        </span>
      )}
    </div>
  );
}
