import { ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { GraphLiveNode } from '../../api/generated/types.gen';
import { graphParts } from '../../api/live/graph-parts';
import { useSelected, useTopic, useTopicStatus } from '../../api/live/use-live';
import { figuresFrom, useOld } from '../../api/live/use-old';
import { serviceAddress, workloadAddress } from '../../lib/addresses';
import { count, duration } from '../../lib/format';
import { inScope } from '../../lib/scope';
import { AsOf } from '../../ui/as-of';
import type { Column } from '../../ui/data-table';
import { Figure } from '../../ui/figure';
import { ErrorShare, Rate } from '../../ui/figures';
import { HealthGlyph, healthRank } from '../../ui/glyph';
import { List } from '../../ui/list';
import { PageHead } from '../../ui/page';
import { SaveTable } from '../../ui/save-csv';
import { Spark } from '../../ui/spark';
import { Empty, Failed, Loading } from '../../ui/states';
import { useUiTexts } from '../../ui/texts';
import { useScope } from '../../ui/use-scope';
import { csvColumns } from './model/csv-columns';
import { matches, statesOf } from './model/filter';
import { isListed, type Kind, sidecar } from './model/subject';
import { useServicesTexts } from './texts';
import { useAddress } from './use-address';
import './services.css';

export const addressOf = (kind: Kind, node: { namespace?: string | undefined; name: string }): string =>
  kind === 'service' ? serviceAddress(node) : workloadAddress(node);

/** The list of services, or of workloads: worst first, filter and sort in the address. */
export function ListPage({ kind }: { kind: Kind }) {
  const t = useServicesTexts();
  const scope = useScope();
  const topic = useTopic('graph', { mode: kind, window: scope.window });
  const status = useTopicStatus(topic);
  const { nodes, meta } = useSelected(topic, graphParts);
  const old = useOld(figuresFrom(meta));
  const title = t(kind === 'service' ? 'services' : 'workloads');
  const all = useMemo(
    () => nodes.filter((n) => isListed(kind, n) && inScope(scope, n.namespace)),
    [nodes, kind, scope],
  );
  if (status.state === 'ready') {
    return <Listed kind={kind} title={title} all={all} old={old} />;
  }
  return (
    <div className="page">
      <PageHead title={title} />
      <div className="body">
        {status.state === 'error' ? <Failed title={t('list.failed')} error={status} /> : <Loading lines={8} />}
      </div>
    </div>
  );
}

interface ListedProps {
  kind: Kind;
  title: string;
  all: readonly GraphLiveNode[];
  /** When the figures are from, while they are not of now. */
  old: number | undefined;
}

function Listed({ kind, title, all, old }: ListedProps) {
  const t = useServicesTexts();
  const [{ q = '', sort = 'health', state }, change] = useAddress();
  const columns = useColumns(kind);
  const rows = all.filter((n) => matches(n, q) && (!state || n.health.state === state));
  const worstFirst = useMemo(() => [...rows].sort((a, b) => b.rate - a.rate || (a.name < b.name ? -1 : 1)), [rows]);
  const facts =
    rows.length === all.length ? count(all.length) : t('list.count', { count: rows.length, all: all.length });
  const table = {
    label: title,
    columns,
    rows: worstFirst,
    rowKey: (n: GraphLiveNode) => n.id,
    sort,
    onSort: (to: string) => change({ sort: to }),
  };
  return (
    <div className={old === undefined ? 'page' : 'page is-old'}>
      <PageHead
        title={title}
        facts={
          <>
            <span>{facts}</span>
            {old !== undefined && <AsOf since={old} />}
          </>
        }
        actions={<SaveTable name={`${kind}s`} csv={csvColumns(kind)} table={table} />}
      />
      {all.length === 0 ? (
        <div className="body">
          <Empty title={t(kind === 'service' ? 'list.none.services' : 'list.none.workloads')}>
            {t('list.none.text')}
          </Empty>
        </div>
      ) : (
        <List
          find={{ label: t('list.filter'), value: q }}
          onFind={(text = '') => change({ q: text })}
          more={<States all={all} chosen={state} onChoose={(s) => change({ state: s })} />}
          table={table}
          noMatch={{
            title: t('list.nothing'),
            text: t('list.nothing.text', { count: all.length }),
            action: t('list.clear'),
          }}
          onShowAll={() => change({ q: '', state: '' })}
        />
      )}
    </div>
  );
}

function States(props: { all: readonly GraphLiveNode[]; chosen: string | undefined; onChoose: (s: string) => void }) {
  const { all, chosen, onChoose } = props;
  const t = useServicesTexts();
  const ui = useUiTexts();
  const states = statesOf(all);
  return (
    <ToggleGroup aria-label={t('list.states')} isCompact>
      {states.map(({ state, count: n }) => (
        <ToggleGroupItem
          key={state}
          icon={<HealthGlyph health={state} size={12} label="" />}
          text={t('state', { state: ui(`health.${state}`), count: n })}
          isSelected={chosen === state}
          onChange={() => onChoose(chosen === state ? '' : state)}
        />
      ))}
    </ToggleGroup>
  );
}

function useColumns(kind: Kind): Column<GraphLiveNode>[] {
  const t = useServicesTexts();
  return useMemo(() => {
    const columns: Column<GraphLiveNode>[] = [
      {
        id: 'health',
        title: t('list.health'),
        align: 'glyph',
        by: (n) => healthRank[n.health.state],
        cell: (n) => <HealthGlyph health={n.health.state} />,
      },
      {
        id: 'name',
        title: t('list.name'),
        by: (n) => n.name,
        cell: (n) => (
          <Link to={addressOf(kind, n)} className="sv-name">
            {n.name}
          </Link>
        ),
      },
      { id: 'namespace', title: t('list.namespace'), by: (n) => n.namespace ?? '', cell: (n) => n.namespace ?? '' },
      { id: 'rate', title: t('list.rate'), align: 'number', by: (n) => n.rate, cell: (n) => <Rate of={n} /> },
      {
        id: 'errors',
        title: t('list.errors'),
        align: 'number',
        by: (n) => n.errorShare,
        cell: (n) => (n.rate > 0 && n.unit === 'rps' ? <ErrorShare of={n} /> : null),
      },
      {
        id: 'p95',
        title: t('list.p95'),
        align: 'number',
        by: (n) => n.p95 ?? -1,
        cell: (n) =>
          n.p95 === undefined ? null : (
            <span className={isSlow(n) ? `k-${n.health.state}` : undefined}>
              <Figure of={duration(n.p95)} />
            </span>
          ),
      },
      {
        id: 'spark',
        title: t('list.spark'),
        cell: (n) => (
          <span className={`sv-spark c-${n.health.state}`}>
            {(n.spark?.length ?? 0) > 1 && (
              <Spark data={n.spark ?? []} errors={n.sparkErrors ?? undefined} width={110} height={20} />
            )}
          </span>
        ),
      },
      kind === 'service'
        ? {
            id: 'versions',
            title: t('list.versions'),
            align: 'number',
            by: (n) => n.versions?.length ?? 0,
            cell: (n) => (n.versions ?? []).length || null,
          }
        : {
            id: 'pods',
            title: t('list.pods'),
            align: 'number',
            by: (n) => n.pods.total,
            cell: (n) => `${n.pods.ready}/${n.pods.total}`,
          },
      {
        id: 'rules',
        title: t('list.rules'),
        align: 'number',
        by: (n) => n.rules?.length ?? 0,
        cell: (n) => <Rules kind={kind} node={n} />,
      },
      {
        id: 'sidecar',
        title: t('list.sidecar'),
        by: (n) => sidecar(n),
        cell: (n) => (
          <span className={n.meshed || n.gateway ? undefined : 'dim'}>{t(`list.sidecar.${sidecar(n)}`)}</span>
        ),
      },
    ];
    return columns;
  }, [t, kind]);
}

const isSlow = (node: GraphLiveNode) => (node.health.reasons ?? []).some((r) => r.code === 'slow');

/** How many objects act on it, with their names, leading to them. */
function Rules({ kind, node }: { kind: Kind; node: GraphLiveNode }) {
  const rules = node.rules ?? [];
  if (rules.length === 0) {
    return null;
  }
  return (
    <Link
      to={addressOf(kind, node)}
      search={{ tab: 'rules' } as never}
      title={rules.map((r) => `${r.kind} ${r.name}`).join('\n')}
    >
      {rules.length}
    </Link>
  );
}
