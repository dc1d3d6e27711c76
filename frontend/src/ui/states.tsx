import { Button, Skeleton } from '@patternfly/react-core';
import { type ReactNode, useEffect, useState } from 'react';
import { clock } from '../lib/format';
import { HealthGlyph } from './glyph';
import { type ProblemLike, useProblemWords } from './problem-words';
import { useUiTexts } from './texts';

/** Heddles without thread, or with a cut one. */
function Loom({ cut = false }: { cut?: boolean }) {
  return (
    <svg className="loom-e" width="96" height="46" viewBox="0 0 96 46" fill="none" aria-hidden="true">
      <g stroke="var(--hd-line-strong)" strokeWidth="1.5">
        <path d="M20 2v12M20 32v12M48 2v12M48 32v12M76 2v12M76 32v12" />
        <ellipse cx="20" cy="23" rx="5" ry="9" />
        <ellipse cx="48" cy="23" rx="5" ry="9" />
        <ellipse cx="76" cy="23" rx="5" ry="9" />
      </g>
      {cut ? (
        <>
          <path d="M0 23h44" stroke="var(--hd-thread)" strokeWidth="2.2" strokeLinecap="round" />
          <path
            d="M44 23c3 0 4 3 6 4M66 19c3 1 4 4 7 4h23"
            stroke="var(--hd-failing)"
            strokeWidth="2.2"
            strokeLinecap="round"
          />
        </>
      ) : (
        <path d="M0 23h16" stroke="var(--hd-thread)" strokeWidth="2.2" strokeLinecap="round" />
      )}
    </svg>
  );
}

/** True once it has been mounted for so long. */
export function useAfter(ms: number): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return over;
}

/**
 * Loading: nothing for 300 ms, then grey lines in the frame of what will come. Children are
 * skeletons of another shape, where lines do not fit.
 */
export function Loading({ lines = 3, children }: { lines?: number; children?: ReactNode }) {
  const t = useUiTexts();
  const visible = useAfter(300);
  return (
    <div className="sk-lines" role="status" aria-busy="true" aria-label={t('loading')}>
      {visible &&
        (children ??
          Array.from({ length: lines }, (_, i) => (
            <Skeleton key={i} width={`${100 - ((i * 23) % 60)}%`} aria-hidden="true" />
          )))}
    </div>
  );
}

interface EmptyProps {
  title: ReactNode;
  children?: ReactNode;
  /** One action: a button or a command to copy. */
  action?: ReactNode;
}

/** Nothing to show: one sentence, one action. */
export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div className="st-c">
      <Loom />
      <h3>{title}</h3>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

interface FailedProps {
  /** What cannot be read: "Traces cannot be read". */
  title?: ReactNode;
  /** What went wrong, with the words of who refused. */
  error: ProblemLike;
  retry?: () => void;
  children?: ReactNode;
}

/** A part that failed says so; everything else works on. */
export function Failed({ title, error, retry, children }: FailedProps) {
  const t = useUiTexts();
  const words = useProblemWords();
  return (
    <div className="st-c" role="alert">
      <Loom cut />
      <h3>{title ?? t('error.title')}</h3>
      <p>{words(error)}</p>
      {retry && (
        <Button variant="secondary" size="sm" onClick={retry}>
          {t('retry')}
        </Button>
      )}
      {children}
    </div>
  );
}

interface BannerProps {
  tone: 'degraded' | 'failing' | 'plain';
  /** The first words, in bold. */
  lead?: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}

/** A sentence across the page, with its glyph and at most one action. */
export function Banner({ tone, lead, children, action }: BannerProps) {
  return (
    <div className={`banner b-${tone}`}>
      <HealthGlyph health={tone === 'plain' ? 'healthy' : tone} size={15} label="" />
      <div>
        {lead && <b>{lead}</b>} {children}
      </div>
      {action}
    </div>
  );
}

/** Figures that are not of now: since when, why, and what still works. */
export function StaleBanner({ since, children, retry }: { since: number; children?: ReactNode; retry?: () => void }) {
  const t = useUiTexts();
  return (
    <Banner
      tone="degraded"
      lead={t('stale.title', { time: clock(since) })}
      action={
        retry && (
          <Button variant="link" size="sm" isInline onClick={retry}>
            {t('retryNow')}
          </Button>
        )
      }
    >
      {children}
    </Banner>
  );
}

/** Why a control is not there: one line instead of a disabled button. */
export function NoRights({ role = 'operator' }: { role?: 'operator' | 'admin' | 'owner' }) {
  const t = useUiTexts();
  return <p className="no-rights">{role === 'owner' ? t('viewer.owner') : t('viewer', { role })}</p>;
}

/** Draft, Pending, Converging, Settled or Conflict; only this chip changes, the layout does not. */
export function StateChip({
  state,
  children,
}: {
  state: 'draft' | 'pending' | 'converging' | 'settled' | 'conflict';
  children: ReactNode;
}) {
  return (
    <span className={`state st-${state}`}>
      <i aria-hidden="true" />
      {children}
    </span>
  );
}
