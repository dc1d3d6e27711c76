import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { seriesOptions, timelineOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { HistoryChange, SeriesAnswer } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { duration, type Figure as FigureValue, plain, rate, share } from '../../lib/format';
import { latest, type Point, ratio, times, withGaps } from '../../lib/series';
import type { ChartMark } from '../../ui/chart/chart';
import { Figure } from '../../ui/figure';
import { errorTone } from '../../ui/figures';
import { Sheet } from '../../ui/page';
import { Failed, Loading } from '../../ui/states';
import { useUiTexts } from '../../ui/texts';
import { useScope } from '../../ui/use-scope';
import { useOverviewTexts } from './texts';

const Chart = lazy(() => import('../../ui/chart/chart').then((m) => ({ default: m.Chart })));

const hour = { range: '1h', step: '30s' } as const;
const fresh = { refetchInterval: 15_000, placeholderData: keepPreviousData } as const;

/** Three lines of the last hour on one time axis, with what was changed and what began to fail. */
export function MeshSheet({ changes }: { changes: readonly HistoryChange[] }) {
  const t = useOverviewTexts();
  const ui = useUiTexts();
  const { namespaces } = useScope();
  const namespace = namespaces.length > 0 ? { namespace: namespaces.join(',') } : {};
  const series = useQuery({ ...seriesOptions({ query: { kind: 'mesh', ...hour, ...namespace } }), ...fresh });
  const incidents = useQuery({
    ...timelineOptions({ query: { bars: 120, step: '30s', ...namespace } }),
    ...fresh,
  }).data?.incidents;
  const lines = useMemo(() => (series.data ? linesOf(series.data) : undefined), [series.data]);
  const marks = useMemo(() => marksOf(changes, incidents ?? []), [changes, incidents]);
  return (
    <Sheet title={t('mesh')} end={<span className="dim">{t('mesh.hour')}</span>}>
      {series.isPending && <Loading lines={5} />}
      {series.isError && (
        <Failed title={t('mesh.failed')} error={asProblem(series.error)} retry={() => void series.refetch()} />
      )}
      {lines &&
        (lines.requests.length === 0 ? (
          <p className="ov-none">{t('mesh.none')}</p>
        ) : (
          <Suspense fallback={<Loading lines={5} />}>
            <div className="ov-vit">
              <Mini
                what={t('mesh.requests')}
                points={lines.requests}
                figure={(v) => rate(v, ui('unit.rps'))}
                range={lines.range}
              />
              <Mini
                what={t('mesh.errors')}
                points={lines.errors}
                figure={(v) => share(v / 100)}
                range={lines.range}
                marks={marks}
                atLeast={1}
                color="--hd-failing"
                tone={errorTone((latest(lines.errors) ?? 0) / 100)}
              />
              <Mini
                what={t('mesh.p95')}
                points={lines.p95}
                figure={duration}
                range={lines.range}
                marks={marks}
                height={82}
                axis
              />
            </div>
          </Suspense>
        ))}
    </Sheet>
  );
}

interface MiniProps {
  what: string;
  points: readonly Point[];
  figure: (value: number) => FigureValue;
  range: readonly [number, number];
  marks?: readonly ChartMark[];
  height?: number;
  atLeast?: number;
  color?: `--hd-${string}`;
  tone?: 'failing' | 'degraded' | undefined;
  /** Times stand under the last of the charts. */
  axis?: boolean;
}

function Mini(props: MiniProps) {
  const { what, points, figure, range, marks, height = 64, atLeast = 0, color = '--hd-s1', tone, axis = false } = props;
  const t = useOverviewTexts();
  const last = figure(latest(points) ?? 0);
  return (
    <div className="mini">
      <div className="mini-h">
        <span>{what}</span>
        <b className={tone ? `num k-${tone}` : 'num'}>
          <Figure of={last} />
        </b>
      </div>
      <Chart
        label={t('mesh.label', { what, value: plain(last) })}
        series={[{ label: what, points, color }]}
        range={range}
        height={height}
        tickCount={2}
        times={axis}
        atLeast={atLeast}
        figure={figure}
        {...(marks ? { marks } : {})}
      />
    </div>
  );
}

/** The three lines of an answer; error shares as per cent. */
export function linesOf(answer: SeriesAnswer) {
  const of = (name: string) =>
    (answer.series?.find((s) => s.name === name)?.points ?? []).flatMap((p) => (p ? [p as Point] : []));
  const requests = of('requests');
  return {
    requests: withGaps(requests, answer.step),
    errors: times(withGaps(ratio(of('errors'), requests), answer.step), 100),
    p95: withGaps(of('p95'), answer.step),
    range: [Date.parse(answer.start) / 1000, Date.parse(answer.end) / 1000] as const,
  };
}

/** Changes as diamonds, beginnings of trouble as squares. */
export function marksOf(
  changes: readonly { readonly at: string }[],
  incidents: readonly { readonly at: string; readonly to: string }[],
): ChartMark[] {
  return [
    ...changes.map((c) => ({ at: Date.parse(c.at) / 1000, kind: 'change' as const })),
    ...incidents
      .filter((i) => i.to === 'failing')
      .map((i) => ({ at: Date.parse(i.at) / 1000, kind: 'incident' as const })),
  ];
}
