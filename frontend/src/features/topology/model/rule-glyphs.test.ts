import { expect, test } from 'vitest';
import type { GraphRule } from '../../../api/generated/types.gen';
import { ruleGlyphs } from './rule-glyphs';

const rule = (kind: string, ...does: NonNullable<GraphRule['does']>): GraphRule => ({ kind, name: 'reviews', does });

test.each([
  { what: 'all to one version is no split', rules: [rule('VirtualService', 'route')], glyphs: ['route'] },
  {
    what: 'what a rule does, not its kind',
    rules: [rule('VirtualService', 'split', 'timeout'), { kind: 'DestinationRule', name: 'subsets' }],
    glyphs: ['split', 'timeout'],
  },
  {
    what: 'a split beside a route of a gateway',
    rules: [rule('VirtualService', 'route'), rule('VirtualService', 'split')],
    glyphs: ['split'],
  },
  {
    what: 'three at most, what one looks for first',
    rules: [rule('PeerAuthentication', 'lock'), rule('VirtualService', 'fault', 'mirror', 'retry', 'route')],
    glyphs: ['fault', 'mirror', 'retry'],
  },
])('$what', ({ rules, glyphs }) => {
  expect(ruleGlyphs(rules)).toEqual(glyphs);
});
