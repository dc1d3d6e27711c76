import { Button } from '@patternfly/react-core';
import { useState } from 'react';
import type { Health } from '../../../ui/glyph';
import { useUiTexts } from '../../../ui/texts';
import { useTopologyTexts } from '../texts';

const shownStates = ['healthy', 'degraded', 'failing', 'idle'] as const;

interface LegendProps {
  hide: ReadonlySet<Health>;
  onToggle: (state: Health) => void;
}

/** What the lines mean. It is the filter too: a click leaves a state out, or shows it again. */
export function Legend({ hide, onToggle }: LegendProps) {
  const t = useTopologyTexts();
  const ui = useUiTexts();
  const [open, setOpen] = useState(false);
  return (
    <div className={`tp-legend${open ? ' is-open' : ''}`} data-overlay>
      <Button variant="plain" size="sm" className="tp-legend-t" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t('legend')}
      </Button>
      <fieldset className="tp-legend-s">
        <legend className="vh">{t('legend.filter')}</legend>
        {shownStates.map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={!hide.has(state)}
            className={hide.has(state) ? 'is-off' : ''}
            onClick={() => onToggle(state)}
          >
            <svg width="22" height="10" viewBox="0 0 22 10" aria-hidden="true" className={`tp-thread t-${state}`}>
              {state === 'failing' ? (
                <path d="M0 3h22M0 7h22" className="tp-line" style={{ strokeWidth: 1.8 }} />
              ) : (
                <path d="M0 5h22" className="tp-line" style={{ strokeWidth: state === 'idle' ? 1.5 : 2.6 }} />
              )}
            </svg>
            <span>{ui(`health.${state}`)}</span>
          </button>
        ))}
      </fieldset>
    </div>
  );
}
