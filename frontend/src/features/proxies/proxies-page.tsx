import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { LiveProxy } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { proxyAddress, workloadAddress } from '../../lib/addresses';
import { age, bytes, clock, rate } from '../../lib/format';
import { fullName } from '../../lib/kinds';
import type { Column } from '../../ui/data-table';
import { Figure } from '../../ui/figure';
import { SyncGlyph } from '../../ui/glyph';
import { List } from '../../ui/list';
import { ObjectLink } from '../../ui/object-link';
import { PageHead } from '../../ui/page';
import { Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { useScope } from '../../ui/use-scope';
import { isFound, type ProxyFilter, type ProxyRow, rowsOf, shortName, tally, types } from './model/status';
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
  const shown = types.filter((type) => all.some((row) => row.sync.some((s) => s.type === type)));

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
    ...shown.map(
      (type): Column<ProxyRow> => ({
        id: type,
        title: shortName[type],
        align: 'glyph',
        cell: ({ sync }) => {
          const of = sync.find((s) => s.type === type);
          return of && <SyncGlyph state={of.state} name={t(`type.${type}`)} />;
        },
      }),
    ),
    {
      id: 'rate',
      title: t('col.rate'),
      align: 'number',
      by: ({ proxy }) => proxy.rps,
      cell: ({ proxy }) => <Figure of={rate(proxy.rps)} />,
    },
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
      id: 'revision',
      title: t('col.revision'),
      align: 'number',
      by: ({ proxy }) => proxy.revision ?? '',
      cell: ({ proxy }) => <span className="mono dim">{proxy.revision?.slice(0, 6)}</span>,
    },
  ];

  return (
    <div className="page">
      <PageHead title={t('title')} facts={status.state === 'ready' && <Facts rows={all} />} />
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
          ]}
          table={{
            label: t('title'),
            columns,
            rows,
            rowKey: (r) => r.proxy.uid,
            sort: search.sort,
            onSort: (sort) => put({ sort }),
            rowTone: (r) => (r.state === 'rejected' ? 'failing' : undefined),
            detail: (r) => r.state === 'rejected' && <Rejection proxy={r.proxy} />,
          }}
          noMatch={{ title: t('noMatch.title'), action: t('noMatch.action') }}
          onShowAll={() => put({ q: undefined, state: undefined })}
        />
      )}
    </div>
  );
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
