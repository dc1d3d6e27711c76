/** Wires (heddles) with their eye, one thread through all of them. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" className="logo">
      <g fill="none" stroke="var(--hd-ink)" strokeWidth="1.6" strokeLinecap="round">
        <path d="M5 2v3.4M5 13.4V22M12 2v8.4M12 18.4V22M19 2v1.9M19 11.9V22" />
        <ellipse cx="5" cy="9.4" rx="2.2" ry="4" />
        <ellipse cx="12" cy="14.4" rx="2.2" ry="4" />
        <ellipse cx="19" cy="7.9" rx="2.2" ry="4" />
      </g>
      <path
        d="M0.6 9c2 .1 3.2.2 4.4.4 3.6.6 4.2 4.8 7 5 3.2.2 3.8-5.9 7-6.5 1.4-.2 2.6-.2 4.4-.2"
        fill="none"
        stroke="var(--hd-accent-ink)"
        strokeWidth="2"
        strokeLinecap="round"
      />
    </svg>
  );
}
