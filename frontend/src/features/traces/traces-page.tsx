import { Button, Skeleton } from '@patternfly/react-core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { traceServicesOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { TracesTrace } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { request } from '../../api/request';
import { traceAddress } from '../../lib/addresses';
import { clock, duration } from '../../lib/format';
import type { Scope, Window } from '../../lib/scope';
import { list } from '../../lib/search';
import { type Column, DataTable } from '../../ui/data-table';
import { Figure } from '../../ui/figure';
import { HealthGlyph } from '../../ui/glyph';
import { ManyMenu, Menu } from '../../ui/menu';
import { PageHead } from '../../ui/page';
import { SaveTable } from '../../ui/save-csv';
import { Empty, Failed, Loading } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import { csvColumns } from './model/csv-columns';
import { Scatter } from './scatter';
import { useTracesTexts } from './texts';
import './traces.css';

interface TracesSearch {
  /** One, or several with commas between: those that any of them took part in. */
  readonly service?: string;
  /** Milliseconds at least. */
  readonly min?: string;
  readonly errors?: string;
  readonly sort?: string;
}

const seconds: Record<Window, number> = { live: 60, '1m': 60, '5m': 300, '15m': 900, '1h': 3600 };
const minima = ['10', '100', '500', '1000', '5000'] as const;
const most = 100;
/** So many services may be asked for at once. */
const mostAsked = 20;

/** The services of the namespaces that are looked at; traces call them "reviews.shop". */
export const servicesIn = ({ namespaces }: Scope, services: readonly string[]): readonly string[] =>
  namespaces.length === 0
    ? services
    : services.filter((name) => namespaces.some((namespace) => name.endsWith(`.${namespace}`)));

/** Traces of the time window: by service, duration and error, as a picture and as a list. */
export function TracesPage() {
  const t = useTracesTexts();
  const search = useSearch({ strict: false }) as TracesSearch;
  const navigate = useNavigate();
  const scope = useScope();
  const span = seconds[scope.window];
  const services = useQuery({ ...traceServicesOptions(), staleTime: 60_000 });
  const { service, min, errors } = search;
  const here = servicesIn(scope, services.data ?? []);
  const scoped = scope.namespaces.length > 0 && !service;
  // Of the namespaces that are looked at: until their services are known nobody can be asked.
  const asked = scoped ? (here.length > mostAsked ? undefined : here.join(',')) : service;
  const traces = useQuery({
    queryKey: ['traces found', { asked, here: scoped && here, min, errors, span }],
    enabled: !scoped || services.isFetched,
    queryFn: async ({ signal }) => {
      const to = Date.now();
      const from = to - span * 1000;
      if (asked === '') {
        return { from, to, found: [] };
      }
      const query = new URLSearchParams({ limit: String(most), brief: 'true', start: new Date(from).toISOString() });
      for (const [key, value] of [
        ['service', asked],
        ['minDuration', min && `${min}ms`],
        ['error', errors && 'true'],
      ] as const) {
        if (value) {
          query.set(key, value);
        }
      }
      const all = (await request<TracesTrace[] | null>(`/api/v1/traces?${query}`, { signal })) ?? [];
      const found = scoped ? all.filter((trace) => trace.services?.some((name) => here.includes(name))) : all;
      const starts = found.map((trace) => Date.parse(trace.start));
      // Where there are more than are read, the picture begins with the oldest that was.
      return {
        from: all.length < most || starts.length === 0 ? from : Math.min(...starts),
        to: Math.max(to, ...starts),
        found,
      };
    },
    refetchInterval: 30_000,
    placeholderData: keepPreviousData,
  });
  const put = (change: { [K in keyof TracesSearch]?: string | undefined }) =>
    void navigate({ to: '.', search: (old: object) => ({ ...old, ...change }), replace: true });
  const found = traces.data?.found ?? [];
  const chosen = list(service);
  const columns = useColumns();

  return (
    <div className="page">
      <PageHead
        title={t('title')}
        facts={traces.data && <Facts found={found} />}
        actions={<SaveTable name="traces" csv={csvColumns} table={{ columns, rows: found, sort: search.sort }} />}
      />
      <div className="fbar wide tr-bar">
        <ManyMenu
          label={t('service')}
          values={chosen}
          any={t('service.any')}
          options={[...new Set([...here, ...chosen])].map((name) => ({ value: name, text: name }))}
          onPick={(to) => put({ service: to.join(',') || undefined })}
        />
        <Menu
          label={t('duration')}
          value={min ?? ''}
          options={[
            { value: '', text: t('duration.any') },
            ...minima.map((m) => ({
              value: m,
              text: t('duration.min', { duration: `${duration(Number(m)).value} ${duration(Number(m)).unit}` }),
            })),
          ]}
          onPick={(to) => put({ min: to || undefined })}
        />
        <Menu
          label={t('errors')}
          value={errors ?? ''}
          options={[
            { value: '', text: t('errors.any') },
            { value: 'only', text: t('errors.only') },
          ]}
          onPick={(to) => put({ errors: to || undefined })}
        />
        <span className="fill" />
        <span className="tr-legend" aria-hidden="true">
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <circle cx="5" cy="5" r="3.5" className="tr-dot" />
          </svg>
          {t('ok')}
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d="M2 2l6 6M8 2L2 8" className="tr-error" />
          </svg>
          {t('error')}
        </span>
      </div>
      {traces.isPending ? (
        <Waiting />
      ) : traces.isError && !traces.data ? (
        <Failed title={t('failed')} error={asProblem(traces.error)} retry={() => void traces.refetch()} />
      ) : found.length === 0 ? (
        <Empty
          title={t('none.title')}
          action={
            (service || min || errors) && (
              <Button
                variant="secondary"
                size="sm"
                onClick={() => put({ service: undefined, min: undefined, errors: undefined })}
              >
                {t('none.action')}
              </Button>
            )
          }
        >
          {t('none.text')}
        </Empty>
      ) : (
        <>
          <div className="tr-picture">
            <div className="sheet">
              <Scatter
                label={t('picture', { count: found.length })}
                traces={found}
                from={traces.data?.from ?? 0}
                to={traces.data?.to ?? 1}
                onPick={(id) => void navigate({ to: traceAddress(id) })}
              />
            </div>
          </div>
          <section className="tscroll grow" aria-label={t('list')}>
            <DataTable
              label={t('title')}
              columns={columns}
              rows={found}
              rowKey={(r) => r.id}
              sort={search.sort}
              onSort={(sort) => put({ sort })}
            />
          </section>
        </>
      )}
    </div>
  );
}

/** What will come, before it does: the picture and the list in their places. */
function Waiting() {
  return (
    <Loading>
      <div className="tr-picture">
        <div className="sheet tr-scatter-wait" />
      </div>
      <div className="tr-wait">
        {[62, 48, 71, 55, 66, 44].map((width) => (
          <Skeleton key={width} width={`${width}%`} aria-hidden="true" />
        ))}
      </div>
    </Loading>
  );
}

function Facts({ found }: { found: readonly TracesTrace[] }) {
  const t = useTracesTexts();
  const failed = found.filter((trace) => trace.errors > 0).length;
  return (
    <>
      <span>{t(found.length >= most ? 'facts.most' : 'facts', { count: found.length })}</span>
      {failed > 0 && <span className="k-failing">{t('facts.failed', { count: failed })}</span>}
    </>
  );
}

function useColumns(): Column<TracesTrace>[] {
  const t = useTracesTexts();
  return [
    {
      id: 'state',
      title: t('col.state'),
      align: 'glyph',
      by: (trace) => trace.errors,
      cell: (trace) => (
        <HealthGlyph
          health={trace.errors > 0 ? 'failing' : 'healthy'}
          size={13}
          label={t(trace.errors > 0 ? 'error' : 'ok')}
        />
      ),
    },
    {
      id: 'at',
      title: t('col.at'),
      by: (trace) => trace.start,
      cell: (trace) => (
        <Link to={traceAddress(trace.id)} className="num">
          {clock(trace.start, 'millisecond')}
        </Link>
      ),
    },
    {
      id: 'what',
      title: t('col.what'),
      by: (trace) => trace.spans?.[0]?.operation ?? '',
      fill: true,
      cell: (trace) => (
        <span className="mono" data-ellipsis title={trace.spans?.[0]?.operation}>
          {trace.spans?.[0]?.operation}
        </span>
      ),
    },
    {
      id: 'services',
      title: t('col.services'),
      align: 'number',
      by: (trace) => trace.services?.length ?? 0,
      cell: (trace) => trace.services?.length ?? 0,
    },
    {
      id: 'spans',
      title: t('col.spans'),
      align: 'number',
      by: (trace) => trace.spanCount ?? 0,
      cell: (trace) => trace.spanCount ?? trace.spans?.length,
    },
    {
      id: 'duration',
      title: t('duration'),
      align: 'number',
      by: (trace) => trace.durationNanos,
      cell: (trace) => <Figure of={duration(trace.durationNanos / 1e6)} />,
    },
  ];
}
