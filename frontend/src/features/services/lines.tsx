import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { seriesOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { Problem, SeriesAnswer } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import type { Figure } from '../../lib/format';
import type { ChartMark } from '../../ui/chart/chart';
import { Sheet } from '../../ui/page';
import { Failed, Loading } from '../../ui/states';
import { versionColor } from '../../ui/version-color';
import { type Line, type Range, ranges } from './model/lines';
import type { Subject } from './model/subject';
import { useServicesTexts } from './texts';

const Chart = lazy(() => import('../../ui/chart/chart').then((m) => ({ default: m.Chart })));

/** The series of a service or workload, kept fresh. */
export function useSubjectSeries(
  { kind, namespace, name }: Subject,
  range: Range,
  byVersion: boolean,
  direction: 'inbound' | 'outbound' = 'inbound',
) {
  return useQuery({
    ...seriesOptions({
      query: {
        kind,
        namespace,
        name,
        range,
        step: ranges[range],
        ...(byVersion ? { byVersion } : {}),
        ...(direction === 'outbound' ? { direction } : {}),
      },
    }),
    refetchInterval: 15_000,
    placeholderData: keepPreviousData,
  });
}

interface LinesProps {
  title: string;
  unit: string;
  query: UseQueryResult<SeriesAnswer, Problem>;
  lines: readonly Line[];
  marks: readonly ChartMark[];
  range: Range;
  figure: (value: number) => Figure;
  atLeast?: number;
  height?: number;
}

/** A chart on a sheet, one line for each version. */
export function Lines({ title, unit, query, lines, marks, range, figure, atLeast = 0, height = 132 }: LinesProps) {
  const t = useServicesTexts();
  const series = useMemo(
    () =>
      lines.map((line, i) => ({
        label: line.label,
        points: line.points,
        color: versionColor(i, lines.length),
      })),
    [lines],
  );
  const ends = query.data ? ([Date.parse(query.data.start) / 1000, Date.parse(query.data.end) / 1000] as const) : null;
  return (
    <Sheet title={title} facts={unit}>
      {query.isPending && <Loading />}
      {query.isError && (
        <Failed title={t('chart.failed')} error={asProblem(query.error)} retry={() => void query.refetch()} />
      )}
      {query.isSuccess &&
        (series.length === 0 ? (
          <p className="sv-none">{t('chart.none')}</p>
        ) : (
          <Suspense fallback={<Loading />}>
            <div className="sv-chart">
              <Chart
                label={t('chart.label', { what: title, range: t(`metrics.range.${range}`) })}
                series={series}
                marks={marks}
                height={height}
                atLeast={atLeast}
                figure={figure}
                ends
                {...(ends ? { range: ends } : {})}
              />
            </div>
          </Suspense>
        ))}
    </Sheet>
  );
}
