import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import type { MetricsSeries, SeriesAnswer } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { request } from '../../api/request';
import { number } from '../../lib/format';
import type { ChartMark, ChartSeries } from '../../ui/chart/chart';
import { Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { versionColor } from '../../ui/version-color';
import type { Asked } from './asked';
import { askedAt, failed, long, rangeOf, sharesOf } from './course-model';
import { useChangesTexts } from './texts';

const Chart = lazy(() => import('../../ui/chart/chart').then((m) => ({ default: m.Chart })));

interface CourseProps {
  /** "namespace/name". */
  service: string;
  change: { at: string };
  /** The shares that it asked for. */
  asked: Asked | undefined;
}

/** How the traffic of the service went before and since: shares of versions and failed requests. */
export function Course({ service, change, asked }: CourseProps) {
  const t = useChangesTexts();
  const [namespace = '', name = ''] = service.split('/');
  const at = Date.parse(change.at) / 1000;
  const { end, ended } = rangeOf(at, useNow() / 1000);
  const query = useQuery({
    queryKey: ['series of change', service, ended ? end : 'now'],
    queryFn: ({ signal }) =>
      request<SeriesAnswer>(
        `/api/v1/series?${new URLSearchParams({ kind: 'service', namespace, name, byVersion: 'true', range: `${long}s`, step: '5s', ...(ended ? { end: new Date(end * 1000).toISOString() } : {}) })}`,
        { signal },
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ended ? false : 5000,
  });
  const series = useMemo(() => (query.data?.series ?? []) as MetricsSeries[], [query.data]);
  const marks = useMemo<ChartMark[]>(() => [{ at, kind: 'change', label: t('applied') }], [at, t]);
  const byVersion = useMemo(() => sharesOf(series), [series]);
  const errors = useMemo(() => failed(series), [series]);
  const one = asked && byVersion.find((v) => v.version === asked.more.label);
  const shares: ChartSeries[] = one
    ? [
        { label: t('asked'), points: askedAt(one.points, at, asked.more), color: '--hd-ink-3', dashed: true },
        { label: t('now'), points: one.points, color: '--hd-s1', strong: true },
      ]
    : byVersion.map((v, i) => ({
        label: v.version,
        points: v.points,
        color: versionColor(i, byVersion.length),
      }));
  const title = one ? t('shareOf', { version: one.version }) : t('sharesOf', { name });
  if (query.isError) {
    return (
      <section className="sheet">
        <h2>{t('failedOf', { name })}</h2>
        <Failed error={asProblem(query.error)} retry={() => void query.refetch()} />
      </section>
    );
  }
  return (
    <Suspense fallback={<Loading />}>
      {asked && byVersion.length > 0 && (
        <section className="sheet">
          <h2>
            {title} <span className="dim">%</span>
          </h2>
          <div className="ch-c">
            <Chart
              label={title}
              height={168}
              atLeast={100}
              marks={marks}
              series={shares}
              figure={(v) => ({ value: number(v), unit: '%' })}
              ends
            />
          </div>
        </section>
      )}
      <section className="sheet">
        <h2>
          {t('failedOf', { name })} <span className="dim">{t('perSecond')}</span>
        </h2>
        <div className="ch-c">
          <Chart
            label={t('failedOf', { name })}
            height={140}
            atLeast={1}
            marks={marks}
            series={[{ label: t('now'), points: errors, color: '--hd-failing', strong: true }]}
            figure={(v) => ({ value: number(v), unit: '' })}
            ends
          />
        </div>
      </section>
    </Suspense>
  );
}
