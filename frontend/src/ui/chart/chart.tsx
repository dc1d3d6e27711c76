import { type KeyboardEvent, useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock, type Figure, plain } from '../../lib/format';
import { align, apart, largest, lastOf, logTicks, type Points, pointByKey, ticks, tickText } from './chart-model';
import { reading, spoken } from './reading';
import { useThemeChange } from './theme-change';

export interface ChartSeries {
  readonly label: string;
  readonly points: Points;
  /** A token: "--hd-s1". Series colours are never health colours, but for an error share. */
  readonly color: `--hd-${string}`;
  /** The one in question is drawn stronger. */
  readonly strong?: boolean;
  readonly dashed?: boolean;
}

/** Something that happened: a change, or the begin of an incident. */
export interface ChartMark {
  readonly at: number;
  readonly kind: 'change' | 'incident';
  readonly label?: string;
}

interface ChartProps {
  /** What a screen reader says: what is drawn, and how it goes. */
  label: string;
  series: readonly ChartSeries[];
  marks?: readonly ChartMark[];
  height?: number;
  /** Seconds since 1970 of both ends; without it those of the data. */
  range?: readonly [number, number];
  /** The y axis reaches at least this far. */
  atLeast?: number;
  log?: boolean;
  tickCount?: 2 | 3;
  /** Times under the axis; off for all but the last of charts above each other. */
  times?: boolean;
  /** How a value reads: with it the chart tells those under the pointer, or at a time chosen by arrow keys. */
  figure?: (value: number) => Figure;
  /** Names and last values stand at the ends of lines; that needs room at the right. */
  ends?: boolean;
}

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A course over time: horizontal hairlines, no legend box, marks for what was changed. Where values
 * are told it is a slider of its times, so that arrow keys reach it and what they tell is heard.
 */
export function Chart(props: ChartProps) {
  const {
    label,
    series,
    marks = none,
    height = 120,
    range,
    atLeast = 0,
    log = false,
    tickCount = 3,
    times = true,
    figure,
    ends = false,
  } = props;
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useThemeChange();
  const data = useMemo(() => align(series.map((s) => s.points)), [series]);
  const slides = figure !== undefined && data.xs.length > 0;
  const shown = useRef({ data, marks, range, atLeast, series, figure });
  shown.current = { data, marks, range, atLeast, series, figure };
  // What needs another plot; figures only need other data.
  const shape = JSON.stringify([
    series.map((s) => [s.label, s.color, s.strong, s.dashed]),
    height,
    log,
    tickCount,
    times,
    ends,
    Boolean(figure),
    theme,
  ]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: shape stands for all that makes another plot
  useEffect(() => {
    const element = root.current;
    if (!element) {
      return;
    }
    const ink = css('--hd-ink-3');
    const font = `11px ${css('--hd-font')}`;
    const first = shown.current.series;
    const told = reading(element);
    const tell = (u: uPlot) => {
      const { idx, left } = u.cursor;
      const values = idx == null ? undefined : valuesAt(shown.current, idx);
      if (idx == null || !values || left === undefined || left < 0) {
        told.hide();
        return;
      }
      const x = u.valToPos(values.at, 'x') + u.over.offsetLeft;
      told.show(clock(values.at * 1000), values.lines, x, u.over.offsetLeft + u.over.clientWidth);
      say(element, shown.current, idx);
    };
    const made = new uPlot(
      {
        width: element.clientWidth || 300,
        height,
        padding: [6, ends ? 92 : 0, times ? 0 : 6, 0],
        cursor: figure ? { x: true, y: false, drag: { x: false, y: false, setScale: false } } : { show: false },
        legend: { show: false },
        scales: {
          x: { time: true, range: (_, low, high) => [...(shown.current.range ?? [low, high])] as [number, number] },
          y: log
            ? { distr: 3, log: 10 }
            : { range: () => [0, Math.max(largest(shown.current.data.ys) * 1.12, shown.current.atLeast) || 1] },
        },
        axes: [
          {
            show: times,
            stroke: ink,
            font,
            size: 20,
            gap: 4,
            space: 70,
            grid: { show: false },
            ticks: { show: false },
            values: (u, splits) => {
              const wide = (u.scales.x?.max ?? 0) - (u.scales.x?.min ?? 0);
              return splits.map((x) => clock(x * 1000, wide < 300 ? 'second' : 'minute'));
            },
          },
          {
            stroke: ink,
            font,
            size: 38,
            gap: 5,
            grid: { stroke: css('--hd-line'), width: 1 },
            ticks: { show: false },
            splits: (u) => {
              const top = u.scales.y?.max ?? 1;
              return log ? logTicks(u.scales.y?.min ?? 1, top) : ticks(top, tickCount);
            },
            values: (_, splits) => splits.map(tickText),
          },
        ],
        series: [
          {},
          ...first.map((s) => ({
            label: s.label,
            stroke: css(s.color),
            width: s.strong ? 2 : 1.5,
            points: { show: false },
            ...(s.dashed ? { dash: [4, 4] } : {}),
            ...(first.length === 1 ? { fill: `${css(s.color)}1f` } : {}),
          })),
        ],
        hooks: {
          draw: [
            (u) => {
              drawMarks(u, shown.current.marks);
              if (ends && shown.current.figure) {
                drawEnds(u, shown.current.series, shown.current.figure);
              }
            },
          ],
          setCursor: [(u) => tell(u)],
        },
      },
      aligned(shown.current.data),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      told.remove();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: marks and range are drawn with the data
  useEffect(() => {
    plot.current?.setData(aligned(data));
    if (root.current) {
      say(root.current, shown.current, plot.current?.cursor.idx ?? data.xs.length - 1);
    }
  }, [data, marks, range, atLeast]);

  const onKeyDown = (event: KeyboardEvent) => {
    const u = plot.current;
    const { xs } = shown.current.data;
    // Before anything is chosen the newest is told.
    const to = u ? pointByKey(event.key, u.cursor.idx ?? xs.length - 1, xs.length) : undefined;
    if (u && to !== undefined) {
      event.preventDefault();
      u.setCursor({ left: u.valToPos(xs[to] ?? 0, 'x'), top: 0 });
    }
  };
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: a slider and an img both have a name
    <div
      ref={root}
      className="chart"
      style={{ height }}
      role={slides ? 'slider' : 'img'}
      aria-label={label}
      {...(slides
        ? {
            tabIndex: 0,
            'aria-valuemin': 1,
            'aria-valuemax': data.xs.length,
            'aria-valuenow': data.xs.length,
            onKeyDown,
            onBlur: () => plot.current?.setCursor({ left: -10, top: -10 }),
          }
        : {})}
    />
  );
}

type Told = Pick<ChartProps, 'series' | 'figure'> & { readonly data: ReturnType<typeof align> };

/** What all series say of one time. */
function valuesAt({ data, series, figure }: Told, index: number) {
  const at = data.xs[index];
  if (!figure || at === undefined) {
    return undefined;
  }
  const lines = series.flatMap((s, i) => {
    const value = data.ys[i]?.[index];
    return value == null
      ? []
      : [{ color: s.color, name: series.length > 1 ? s.label : '', text: plain(figure(value)) }];
  });
  return { at, lines };
}

/** Written by hand, as the reading is: moving the pointer draws nothing of React's. */
function say(root: HTMLElement, told: Told, index: number): void {
  const values = valuesAt(told, index);
  if (values) {
    root.setAttribute('aria-valuenow', String(index + 1));
    root.setAttribute('aria-valuetext', spoken(clock(values.at * 1000), values.lines));
  } else {
    root.removeAttribute('aria-valuetext');
  }
}

const none: readonly ChartMark[] = [];

const aligned = (data: ReturnType<typeof align>): uPlot.AlignedData => [data.xs, ...data.ys] as uPlot.AlignedData;

function drawMarks(u: uPlot, marks: readonly ChartMark[]): void {
  const { ctx } = u;
  const r = devicePixelRatio;
  const { min = 0, max = 0 } = u.scales.x ?? {};
  ctx.save();
  ctx.font = `${11 * r}px ${css('--hd-font')}`;
  for (const mark of marks) {
    if (mark.at < min || mark.at > max) {
      continue;
    }
    const x = u.valToPos(mark.at, 'x', true);
    const top = u.bbox.top;
    ctx.strokeStyle = css(mark.kind === 'incident' ? '--hd-failing' : '--hd-accent-ink');
    ctx.fillStyle = ctx.strokeStyle;
    ctx.lineWidth = r;
    ctx.setLineDash([3 * r, 3 * r]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + u.bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    if (mark.kind === 'incident') {
      ctx.rect(x - 3 * r, top, 6 * r, 6 * r);
    } else {
      const y = top + 3 * r;
      ctx.moveTo(x, y - 4 * r);
      ctx.lineTo(x + 4 * r, y);
      ctx.lineTo(x, y + 4 * r);
      ctx.lineTo(x - 4 * r, y);
    }
    ctx.fill();
    if (mark.label) {
      const left = x < u.bbox.left + u.bbox.width / 2;
      ctx.textAlign = left ? 'left' : 'right';
      ctx.fillText(mark.label, x + (left ? 7 : -7) * r, top + 7 * r);
    }
  }
  ctx.restore();
}

/** Names and last values at the ends of the lines, moved apart where they would lie on each other. */
function drawEnds(u: uPlot, series: readonly ChartSeries[], figure: (value: number) => Figure): void {
  const { ctx } = u;
  const r = devicePixelRatio;
  const bottom = u.bbox.top + u.bbox.height - 2 * r;
  const ends = series
    .flatMap((s) => {
      const value = lastOf(s.points);
      return value === null ? [] : [{ s, value, y: u.valToPos(value, 'y', true) }];
    })
    .sort((a, b) => a.y - b.y);
  ctx.save();
  ctx.font = `${11 * r}px ${css('--hd-font')}`;
  ctx.textAlign = 'left';
  const places = apart(
    ends.map((end) => end.y),
    13 * r,
    u.bbox.top,
    bottom,
  );
  ends.forEach(({ s, value }, i) => {
    ctx.fillStyle = css(s.color);
    const text = `${s.label} ${plain(figure(value))}`.trim();
    ctx.fillText(text, u.bbox.left + u.bbox.width + 6 * r, (places[i] ?? 0) + 4 * r);
  });
  ctx.restore();
}
