import { expect, test } from 'vitest';
import type { CanaryRefusal, CanarySplit } from '../../api/generated/types.gen';
import { ownRule } from './use-target';

const ref = (name: string, namespace = 'shop') => ({
  group: 'networking.istio.io',
  kind: 'VirtualService',
  namespace,
  name,
});
const rule = (name: string, hosts: string[], namespace?: string) => ({ ref: ref(name, namespace), hosts });
const candidate = (kind: 'mesh' | 'gateway', name: string) => ({
  id: name,
  kind,
  ref: ref(name),
  route: 0,
  matches: [],
  weights: {},
});
const refused = (of: ReturnType<typeof ref>): CanaryRefusal => ({ code: 'otherDestination', ref: of });
const service = { namespace: 'shop', name: 'cart' };

test.each<[what: string, rules: ReturnType<typeof rule>[], split: Partial<CanarySplit>, want: string | undefined]>([
  ['none', [], {}, undefined],
  [
    'the one whose shares can be changed',
    [rule('cart', ['shop.test']), rule('mesh', ['cart'])],
    { candidates: [candidate('gateway', 'cart'), candidate('mesh', 'mesh')] },
    'mesh',
  ],
  [
    'the one that claims the host, under any name, though its shares cannot be',
    [rule('public', ['shop.test']), rule('by-hand', ['cart.shop.svc.cluster.local'])],
    { refused: refused(ref('by-hand')) },
    'by-hand',
  ],
  [
    'the one that claims the host, whatever is told of shares',
    [rule('public', ['shop.test']), rule('x', ['cart'])],
    {},
    'x',
  ],
  ['not one of another namespace that means its own', [rule('x', ['cart'], 'ops')], {}, undefined],
  ['one of another namespace that means this service', [rule('x', ['cart.shop.svc'], 'ops')], {}, 'x'],
  ['the one of its name', [rule('cart', ['shop.test'])], {}, 'cart'],
  [
    'not what stands in the way and is no rule of this kind',
    [rule('public', ['shop.test'])],
    { refused: refused({ ...ref('public'), kind: 'HTTPRoute' }) },
    undefined,
  ],
])('the rule to begin with: %s', (_, rules, split, want) => {
  expect(ownRule(rules, { candidates: [], ...split }, service)?.name).toBe(want);
});
