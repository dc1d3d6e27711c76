import { useUiTexts } from './texts';

export type Health = 'healthy' | 'degraded' | 'failing' | 'idle' | 'unknown';
export type Severity = 'error' | 'warning' | 'info';

/** The order in which states are shown: what is wrong comes first. */
export const healthRank: Record<Health, number> = { failing: 0, degraded: 1, unknown: 2, idle: 3, healthy: 4 };

interface GlyphProps {
  size?: number;
  /** What a screen reader says; '' where the words beside it already say it. */
  label?: string | undefined;
}

/** Health, and a note: something to know that is not wrong. */
type Shape = Health | 'note';

function Mark({ shape, size = 14, label }: { shape: Shape; size?: number; label: string }) {
  const described = label === '' ? ({ 'aria-hidden': true } as const) : ({ role: 'img', 'aria-label': label } as const);
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: described as an image, or hidden
    <svg {...described} width={size} height={size} viewBox="0 0 14 14" className={`hg hg-${shape}`}>
      {shape === 'healthy' && (
        <>
          <circle cx="7" cy="7" r="5.6" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path
            d="M4.6 7.2l1.7 1.7 3.2-3.7"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.5"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </>
      )}
      {shape === 'degraded' && (
        <>
          <path d="M7 1.3l6 11H1z" fill="currentColor" stroke="currentColor" strokeWidth="1.2" strokeLinejoin="round" />
          <path d="M7 5.2v3.4M7 10.4v.3" stroke="var(--hg-on)" strokeWidth="1.5" strokeLinecap="round" />
        </>
      )}
      {shape === 'failing' && (
        <>
          <path d="M4.4.8h5.2l3.6 3.6v5.2l-3.6 3.6H4.4L.8 9.6V4.4z" fill="currentColor" />
          <path d="M4.9 4.9l4.2 4.2M9.1 4.9L4.9 9.1" stroke="var(--hg-on)" strokeWidth="1.6" strokeLinecap="round" />
        </>
      )}
      {shape === 'idle' && (
        <circle cx="7" cy="7" r="5.4" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.2 2" />
      )}
      {shape === 'note' && (
        <>
          <circle cx="7" cy="7" r="5.6" fill="none" stroke="currentColor" strokeWidth="1.4" />
          <path d="M7 6.4v3.5M7 4v.3" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
        </>
      )}
      {shape === 'unknown' && (
        <>
          <circle cx="7" cy="7" r="5.6" fill="none" stroke="currentColor" strokeWidth="1.4" strokeDasharray="1 1.6" />
          <path
            d="M5.4 5.6c0-2 3.2-2 3.2 0 0 1.2-1.6 1.2-1.6 2.4M7 10v.2"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.3"
            strokeLinecap="round"
          />
        </>
      )}
    </svg>
  );
}

/** Health is a shape first, a colour second. */
export function HealthGlyph({ health, size, label }: GlyphProps & { health: Health }) {
  const t = useUiTexts();
  return <Mark shape={health} label={label ?? t(`health.${health}`)} {...(size ? { size } : {})} />;
}

const severityShape: Record<Severity, Shape> = { error: 'failing', warning: 'degraded', info: 'note' };

/** The severity of a finding, in the shapes of health; a note is neither of them. */
export function SeverityGlyph({ severity, size, label }: GlyphProps & { severity: Severity }) {
  const t = useUiTexts();
  return (
    <Mark shape={severityShape[severity]} label={label ?? t(`severity.${severity}`)} {...(size ? { size } : {})} />
  );
}

const rulePaths = {
  gate: 'M2 12V4.5L7 1.5l5 3V12M5 12V7.5h4V12',
  scope: 'M2 4l5-2.5L12 4v6l-5 2.5L2 10zM2 4l5 2.5M12 4L7 6.5V12.5',
  lock: 'M3 6.5h8V12H3zM4.8 6.5V4.3a2.2 2.2 0 0 1 4.4 0v2.2',
  entry: 'M7 1.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM1.5 7h11M7 1.5c-3 3.5-3 7.5 0 11M7 1.5c3 3.5 3 7.5 0 11',
  route: 'M2 11h3c3 0 3-8 6-8h1M9.8 1l2.4 2-2.4 2',
  split: 'M1.5 7H5m0 0c3 0 2.5-4 5.5-4H12M5 7c3 0 2.5 4 5.5 4H12',
  fault: 'M7.6 1L3.4 8h3.2L5.8 13l4.8-7H7.2z',
  timeout: 'M7 4v3.2l2 1.3M7 1.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 7 1.6z',
  retry: 'M11.8 4.5A5.2 5.2 0 1 0 12.2 8M12.2 1.8v3h-3',
  mirror: 'M7 1v12M5 4L1.5 7 5 10M9 4l3.5 3L9 10',
  breaker: 'M1 7h3M10 7h3M4 7l5-3.5M10 7h0',
} as const;

export type Rule = keyof typeof rulePaths;

/** What kind of rule acts. */
export function RuleGlyph({ rule, size = 13 }: { rule: Rule; size?: number }) {
  const t = useUiTexts();
  return (
    <svg width={size} height={size} viewBox="0 0 14 14" role="img" aria-label={t(`rule.${rule}`)} className="rg">
      <path
        d={rulePaths[rule]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** Closed: mutual TLS. Open: none. */
export function Lock({ open = false, size = 11 }: { open?: boolean; size?: number }) {
  const t = useUiTexts();
  return (
    <svg width={size} height={size} viewBox="0 0 12 12" role="img" aria-label={t(open ? 'mtls.off' : 'mtls.on')}>
      <rect
        x="2"
        y="5.5"
        width="8"
        height="5.5"
        rx="1.2"
        fill={open ? 'none' : 'currentColor'}
        stroke="currentColor"
        strokeWidth="1.2"
      />
      <path
        d={open ? 'M4 5.5V3.2a2 2 0 0 1 3.9-.6' : 'M4 5.5V3.5a2 2 0 0 1 4 0v2'}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.3"
        strokeLinecap="round"
      />
    </svg>
  );
}

/** How a proxy stands with one type of configuration. */
export function SyncGlyph({ state, name }: { state: 'ok' | 'waiting' | 'rejected'; name: string }) {
  const t = useUiTexts();
  return (
    <span className={`sy sy-${state}`} role="img" aria-label={t(`sync.${state}`, { name })}>
      {state === 'ok' && (
        <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
          <path
            d="M2.5 6.3l2.3 2.3 4.7-5"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.5"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
      )}
      {state === 'rejected' && <Mark shape="failing" size={13} label="" />}
      {state === 'waiting' && <span className="spin" />}
    </span>
  );
}
