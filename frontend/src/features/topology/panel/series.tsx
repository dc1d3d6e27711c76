import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { seriesOptions } from '../../../api/generated/@tanstack/react-query.gen';
import type { GraphHealth, GraphLiveNode, MetricsSeries } from '../../../api/generated/types.gen';
import { byteRate, duration, type Figure as FigureValue, rate, share } from '../../../lib/format';
import { type Point, withGaps } from '../../../lib/series';
import { useMarks } from '../../../parts/marks/use-marks';
import { Figure } from '../../../ui/figure';
import { type Figures, nodeFigures } from '../model/figures';
import { useTopologyTexts } from '../texts';

const Chart = lazy(() => import('../../../ui/chart/chart').then((m) => ({ default: m.Chart })));

type Points = [number, number][];

/** What the metrics can be asked about a node; nothing of one that only the graph knows. */
function subjectOf(node: GraphLiveNode) {
  const kind = (['service', 'workload', 'app'] as const).find((k) => k === node.kind);
  return kind && node.namespace ? { kind, namespace: node.namespace, name: node.name } : undefined;
}

const points = (series: readonly MetricsSeries[], name: MetricsSeries['name']): Points =>
  (series.find((s) => s.name === name)?.points ?? []).filter((p) => p !== null);

/** The error share at each time, from the rates of requests and errors. */
function shares(requests: Points, errors: Points): Points {
  const wrong = new Map(errors);
  return requests.map(([at, rps]) => [at, rps > 0 ? ((wrong.get(at) ?? 0) / rps) * 100 : 0]);
}

type Query = NonNullable<Parameters<typeof seriesOptions>[0]>['query'];

/** Rate, error share and p95 of a node in the last hour. */
export function NodeSeries({ node }: { node: GraphLiveNode }) {
  const subject = subjectOf(node);
  return subject ? <Past of={subject} figures={nodeFigures(node)} health={node.health} about={node} /> : null;
}

interface PastProps {
  of: Omit<Query, 'range' | 'step'>;
  figures: Figures;
  health: GraphHealth;
  /** Whose changes are marked: the node, or the one that a thread leads to. */
  about: GraphLiveNode | undefined;
}

const percent = (value: number) => share(value / 100);

/** The last hour of something, as charts above each other on one time axis; beside them what is now. */
export function Past({ of, figures, health, about }: PastProps) {
  const t = useTopologyTexts();
  const query = useQuery({
    ...seriesOptions({ query: { ...of, range: '1h', step: '30s' } }),
    refetchInterval: 15_000,
  });
  const answer = query.data;
  const drawn = useMemo(() => {
    const series = answer?.series ?? [];
    const requests = points(series, 'requests');
    const drawn = (line: Points) => withGaps(line, answer?.step ?? 30);
    return {
      requests: drawn(requests),
      errors: drawn(shares(requests, points(series, 'errors'))),
      p95: drawn(points(series, 'p95')),
      bytes: drawn(points(series, 'sent')),
      range: answer && ([Date.parse(answer.start) / 1000, Date.parse(answer.end) / 1000] as const),
    };
  }, [answer]);
  const { state } = health;
  const tone = state === 'failing' || state === 'degraded' ? state : undefined;
  const marks = useMarks(about, health);
  const perSecond = (value: number) => rate(value, t('col.rps'));
  if (query.isError) {
    return <p className="dim">{t('series.away')}</p>;
  }
  const slow = health.reasons?.some((r) => r.code === 'slow');
  const one = (points: readonly Point[], color: `--hd-${string}`) => [{ label: '', points, color }];
  const shared = { marks, tickCount: 2 as const, ...(drawn.range ? { range: drawn.range } : {}) };
  return (
    <Suspense fallback={<div className="tp-series" />}>
      <div className="tp-series">
        {figures.bytes !== undefined ? (
          <Mini title={t('bytes')} value={byteRate(figures.bytes)}>
            <Chart {...shared} label={t('bytes')} height={76} figure={byteRate} series={one(drawn.bytes, '--hd-s1')} />
          </Mini>
        ) : (
          <>
            <Mini title={t('rate')} value={rate(figures.rate, t('col.rps'))}>
              <Chart
                {...shared}
                label={t('rate')}
                height={58}
                times={false}
                figure={perSecond}
                series={one(drawn.requests, '--hd-s1')}
              />
            </Mini>
            <Mini
              title={t('errorShare')}
              value={share(figures.errorShare)}
              tone={figures.errorShare >= 0.01 ? tone : undefined}
            >
              <Chart
                {...shared}
                label={t('errorShare')}
                height={58}
                times={false}
                atLeast={2}
                figure={percent}
                series={one(drawn.errors, tone ? `--hd-${tone}` : '--hd-s1')}
              />
            </Mini>
            <Mini title={t('latency')} value={duration(figures.p95 ?? Number.NaN)} tone={slow ? tone : undefined}>
              <Chart
                {...shared}
                label={t('latency')}
                height={76}
                figure={duration}
                series={one(drawn.p95, '--hd-s1')}
              />
            </Mini>
          </>
        )}
      </div>
    </Suspense>
  );
}

interface MiniProps {
  title: string;
  value: FigureValue;
  tone?: string | undefined;
  children: React.ReactNode;
}

function Mini({ title, value, tone, children }: MiniProps) {
  return (
    <div className="mini">
      <div className="mini-h">
        <span>{title}</span>
        <b className={`num${tone ? ` k-${tone}` : ''}`}>
          <Figure of={value} />
        </b>
      </div>
      {children}
    </div>
  );
}
