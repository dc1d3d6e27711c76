import type { Ref } from '../../../api/generated/types.gen';
import type { Rule } from '../../../ui/glyph';

const glyphOf: Record<string, Rule> = {
  VirtualService: 'route',
  HTTPRoute: 'route',
  GRPCRoute: 'route',
  DestinationRule: 'breaker',
  Gateway: 'gate',
  ServiceEntry: 'entry',
  PeerAuthentication: 'lock',
  RequestAuthentication: 'lock',
  AuthorizationPolicy: 'lock',
  Sidecar: 'scope',
};
/** What a person looks for first. */
const order: readonly Rule[] = ['split', 'route', 'breaker', 'gate', 'entry', 'lock', 'scope'];

/** The glyph of an object's kind; a routing rule over several versions is a split. */
export function ruleGlyph(kind: string, versions: number): Rule | undefined {
  const rule = glyphOf[kind];
  return rule === 'route' && versions > 1 ? 'split' : rule;
}

/** At most three glyphs for the rules that act on something, each once. */
export function ruleGlyphs(rules: readonly Ref[], versions: number): Rule[] {
  const found = new Set(rules.flatMap((r) => ruleGlyph(r.kind, versions) ?? []));
  return order.filter((rule) => found.has(rule)).slice(0, 3);
}
