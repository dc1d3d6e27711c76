import { type Health, HealthGlyph } from '../../ui/glyph';
import { useRulesTexts } from './texts';

const shapes: Record<string, Health> = {
  rejected: 'failing',
  error: 'failing',
  warning: 'degraded',
  info: 'unknown',
  ok: 'healthy',
};

/** How an object is, in the shapes of health. */
export function StateGlyph({ state, size = 13 }: { state: string; size?: number }) {
  const t = useRulesTexts();
  return <HealthGlyph health={shapes[state] ?? 'unknown'} size={size} label={t.maybe(`state.${state}`) ?? state} />;
}
