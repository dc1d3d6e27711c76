import type { GraphRule } from '../../../api/generated/types.gen';
import type { Rule } from '../../../ui/glyph';

/** What a person looks for first. */
const order: readonly Rule[] = [
  'split',
  'fault',
  'mirror',
  'timeout',
  'retry',
  'route',
  'breaker',
  'gate',
  'entry',
  'lock',
  'scope',
];

/** What a rule does, as glyphs. */
export const glyphsOf = (rule: GraphRule): readonly Rule[] => rule.does ?? [];

/** At most three glyphs for what the rules do to something, each once. A split leads somewhere by itself. */
export function ruleGlyphs(rules: readonly GraphRule[]): Rule[] {
  const found = new Set(rules.flatMap(glyphsOf));
  if (found.has('split')) {
    found.delete('route');
  }
  return order.filter((rule) => found.has(rule)).slice(0, 3);
}
