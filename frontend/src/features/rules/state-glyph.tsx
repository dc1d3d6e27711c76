import { HealthGlyph, SeverityGlyph } from '../../ui/glyph';
import { useRulesTexts } from './texts';

const severities = { rejected: 'error', error: 'error', warning: 'warning', info: 'info' } as const;

/** How an object is: the worst that is found about it. */
export function StateGlyph({ state, size = 13 }: { state: string; size?: number }) {
  const t = useRulesTexts();
  const label = t.maybe(`state.${state}`) ?? state;
  const severity = (severities as Record<string, (typeof severities)[keyof typeof severities]>)[state];
  if (severity) {
    return <SeverityGlyph severity={severity} size={size} label={label} />;
  }
  return <HealthGlyph health={state === 'ok' ? 'healthy' : 'unknown'} size={size} label={label} />;
}
