/** Side view of a loom: warp threads part at the heddles, the shuttle passes through the shed. */
export function Shed() {
  const width = 760;
  const middle = 452;
  const threads = Array.from({ length: 22 }, (_, i) => {
    const up = i % 2 === 0;
    const k = (i - 11) * 3.1;
    const x = up ? 404 + (i % 4) * 22 : 512 + ((i - 1) % 4) * 22;
    const y = middle + (up ? -140 : 140) + k * 2.1;
    const tone = i === 11 ? ' w-bad' : i === 6 ? ' w-warm' : '';
    return (
      <g key={i}>
        <path d={`M${x} ${up ? 96 : 188}V${y - 9}M${x} ${y + 9}V${up ? 716 : 808}`} className="wire" />
        <path
          d={`M-20 ${middle + k * 0.5} L96 ${middle + k * 0.55} L${x} ${y} L${width + 420} ${middle + k * 0.8}`}
          className={`warp${tone}`}
        />
        <ellipse cx={x} cy={y} rx="4" ry="9" className={`eyelet${tone}`} />
      </g>
    );
  });
  const bars = [
    [96, 386],
    [716, 386],
    [188, 494],
    [808, 494],
  ] as const;
  return (
    <svg className="shed" viewBox={`0 0 ${width} 900`} preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      {Array.from({ length: 9 }, (_, i) => (
        <path
          key={i}
          d={`M${i * 11 + 2} ${middle - 24}v48`}
          stroke="var(--hd-accent-ink)"
          strokeWidth="3"
          opacity={0.25 + i * 0.08}
        />
      ))}
      {threads}
      {bars.map(([y, x]) => (
        <rect
          key={y}
          x={x}
          y={y - 5}
          width={80}
          height={10}
          rx={2}
          fill="var(--hd-surface)"
          stroke="var(--hd-control)"
          strokeWidth="1.3"
        />
      ))}
      <g transform={`translate(236 ${middle})`}>
        <path
          d="M-62 0c22-17 102-17 124 0-22 17-102 17-124 0z"
          fill="var(--hd-surface)"
          stroke="var(--hd-accent-ink)"
          strokeWidth="2"
        />
        <path d="M-30 0h60" stroke="var(--hd-accent-ink)" strokeWidth="7" strokeLinecap="round" />
        <path d="M-62 0C-90 2-110 6-142 -6" fill="none" stroke="var(--hd-accent-ink)" strokeWidth="2.2" />
      </g>
    </svg>
  );
}
