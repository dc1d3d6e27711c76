import type { ReactNode } from 'react';
import type { EyeState } from './delivery';
import { useChangesTexts } from './texts';

export interface Eye {
  readonly title: string;
  readonly text: ReactNode;
  readonly state: EyeState;
  /** What stands in the eye of a step with a rejection. */
  readonly count?: number | undefined;
}

/** Progress as one thread through four eyes. */
export function Loom({ eyes }: { eyes: readonly Eye[] }) {
  const t = useChangesTexts();
  return (
    <ol className="lm" aria-label={t('progress')}>
      {eyes.map((eye) => (
        <li key={eye.title} className={`lm-${eye.state}`} aria-current={eye.state === 'now' ? 'step' : undefined}>
          <span className="lm-eye" aria-hidden="true">
            {eye.state === 'done' ? (
              <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
                <path
                  d="M2.5 6.3l2.4 2.4 4.6-5.2"
                  fill="none"
                  stroke="currentColor"
                  strokeWidth="1.9"
                  strokeLinecap="round"
                  strokeLinejoin="round"
                />
              </svg>
            ) : (
              eye.state === 'bad' && eye.count
            )}
          </span>
          <b>{eye.title}</b>
          <span className="num">{eye.text}</span>
        </li>
      ))}
    </ol>
  );
}
