import type { TracesTrace } from '../../api/generated/types.gen';
import { clock } from '../../lib/format';
import { powerName, timeTicks } from './model/ticks';

const [width, height, left, top, bottom] = [1184, 236, 54, 12, 212];

interface ScatterProps {
  readonly label: string;
  readonly traces: readonly TracesTrace[];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly onPick: (id: string) => void;
}

const ms = (trace: TracesTrace) => Math.max(0.1, trace.durationNanos / 1e6);

/** Durations over time on a logarithmic scale; errors are crosses. The list below has the same traces. */
export function Scatter({ label, traces, from, to, onPick }: ScatterProps) {
  const low = Math.floor(Math.log10(Math.min(10, ...traces.map(ms))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...traces.map(ms)))));
  const x = (at: number) => left + ((at - from) / Math.max(1, to - from)) * (width - left - 8);
  const y = (v: number) => bottom - ((Math.log10(v) - low) / (high - low)) * (bottom - top);
  const powers = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const times = timeTicks(from, to, 8);
  const dots = traces.map((trace) => ({ trace, cx: x(Date.parse(trace.start)), cy: y(ms(trace)) }));
  const pick = (event: React.MouseEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const [px, py] = [
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    ];
    const near = dots
      .map((d) => ({ id: d.trace.id, far: Math.hypot(d.cx - px, d.cy - py) }))
      .sort((a, b) => a.far - b.far)[0];
    if (near && near.far < 14) {
      onPick(near.id);
    }
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list below is the way by keyboard
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width="100%"
      role="img"
      aria-label={label}
      onClick={pick}
      className="tr-scatter"
    >
      {powers.map((v) => (
        <g key={v}>
          <path d={`M${left} ${y(v)}H${width - 8}`} className="tr-line" />
          <text x={left - 6} y={y(v) + 4} textAnchor="end" className="tr-axis">
            {powerName(v)}
          </text>
        </g>
      ))}
      {times.at.map((at) => (
        <text
          key={at}
          // A name is never cut at the picture's end.
          x={Math.min(x(at), width - 30)}
          y={height - 3}
          textAnchor="middle"
          className="tr-axis"
        >
          {clock(at, times.step % 60_000 === 0 ? 'minute' : 'second')}
        </text>
      ))}
      {dots.map(({ trace, cx, cy }) =>
        trace.errors > 0 ? (
          <path key={trace.id} d={`M${cx - 3.2} ${cy - 3.2}l6.4 6.4m0-6.4l-6.4 6.4`} className="tr-error" />
        ) : (
          <circle key={trace.id} cx={cx} cy={cy} r="2.8" className="tr-dot" />
        ),
      )}
    </svg>
  );
}
