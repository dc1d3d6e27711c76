import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { audience } from './audience';
import { type Context, emptyForm, type Form, type Intent, intents, mistakes } from './form';
import { formMatch, readConditions, takesAll } from './match';
import { readable, readForm, readRules } from './rule';
import { writeForm } from './write';

const version = (v: string) => ({ version: v, subset: v, labels: { version: v } });
const context: Context = { namespace: 'shop', name: 'cart', versions: [version('v1'), version('v2')] };
const head = 'metadata: {name: cart, namespace: shop}\nspec:\n  hosts: [cart]\n  http:\n';
const rule = (fields: string) => `${head}    - name: mine # of lena\n${fields.replace(/^/gm, '      ')}\n`;
const http = (yaml: string, i = 0) => parse(yaml).spec.http[i];
const both =
  'route:\n- destination: {host: cart, subset: v1}\n  weight: 50\n- destination: {host: cart, subset: v2}\n  weight: 50';

describe('which requests a rule takes, whatever conditions it has', () => {
  test.each<[string, string, string]>([
    ['method', 'method: {exact: POST}', 'method  exact POST'],
    ['parameter', 'queryParams: {v: {prefix: "2"}}', 'query v prefix 2'],
    ['label', 'sourceLabels: {app: web}', 'label app exact web'],
    ['namespace', 'sourceNamespace: ops', 'namespace  exact ops'],
    ['host', 'authority: {regex: ".*test"}', 'authority  regex .*test'],
    ['port', 'port: 8080', 'port  exact 8080'],
    ['scheme', 'scheme: {exact: https}', 'scheme  exact https'],
    ['gateway', 'gateways: [a, ops/b]', 'gateway  exact a, ops/b'],
    ['absent header', 'withoutHeaders: {x-not: {}}', 'without x-not present '],
    ['any value', 'headers: {x-is: {}}', 'header x-is present '],
    ['any case', '{uri: {prefix: /A}, ignoreUriCase: true}', 'pathAnyCase  prefix /A'],
    ['what is not known', 'moonPhase: full', 'unknown moonPhase present '],
    ['several', '{uri: {prefix: /a}, method: {exact: GET}}', 'path  prefix /a, method  exact GET'],
  ])('%s', (_, match, want) => {
    const route = parse(`match:\n- ${match}\n`);
    const conditions = readConditions(route);
    expect(conditions.map((all) => all.map((c) => `${c.field} ${c.name} ${c.how} ${c.value}`).join(', '))).toEqual([
      want,
    ]);
    expect(takesAll(conditions)).toBe(false);
    expect(formMatch(conditions)).toEqual({ by: 'other', matchName: '', how: 'exact', matchValue: '' });
  });
  test.each([
    ['', true],
    ['match: []', true],
    ['match: [{}]', true],
    ['match: [{name: all}]', true],
  ])('%j takes all: %s', (route, all) => expect(takesAll(readConditions(parse(route) ?? {}))).toBe(all));
  test('one of several lists is enough, and an empty one takes all', () => {
    const conditions = readConditions(parse('match: [{method: {exact: GET}}, {}]'));
    expect(conditions).toHaveLength(2);
    expect(takesAll(conditions)).toBe(true);
    expect(takesAll(readConditions(parse('match: [{port: 1}, {port: 2}]')))).toBe(false);
  });
  test('a text is read rule by rule', () => {
    const yaml = `${head}    - match: [{method: {exact: GET}}]\n      route: []\n    - name: rest\n`;
    expect(readRules(yaml)?.map((r) => [r.name, takesAll(r.conditions)])).toEqual([
      ['', false],
      ['rest', true],
    ]);
  });
});

/** Whatever a form changes, the rest of the rule is what it was. */
describe('what was written by hand and the form does not know stays', () => {
  const cases: [what: string, intent: Intent, fields: string, typed: Partial<Form>, want: string][] = [
    [
      'an abort with a gRPC status, beside a new delay',
      'fault',
      'fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 5}}}',
      { delay: '1s' },
      'fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 5}}, delay: {fixedDelay: 1s, percentage: {value: 100}}}',
    ],
    [
      'an HTTP/2 error, where a delay goes',
      'fault',
      'fault: {abort: {http2Error: x}, delay: {fixedDelay: 1s}}',
      { delay: '' },
      'fault: {abort: {http2Error: x}}',
    ],
    [
      'a status takes the place of another error, as the form says',
      'fault',
      'fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 5}}}',
      { abort: '503' },
      'fault: {abort: {httpStatus: 503, percentage: {value: 5}}}',
    ],
    [
      'what else retries are about',
      'resilience',
      'retries: {attempts: 2, retryOn: 5xx, retryRemoteLocalities: true}\ntimeout: 9s',
      { attempts: '' },
      'retries: {retryRemoteLocalities: true}\ntimeout: 9s',
    ],
    [
      'retries without a number',
      'resilience',
      'retries: {retryOn: 5xx}',
      { timeout: '2s' },
      'retries: {retryOn: 5xx}\ntimeout: 2s',
    ],
    [
      'copies to other services in a list',
      'mirror',
      'mirrors: [{destination: {host: audit}}]',
      { mirrorTo: 'v2', mirrorPercent: '10' },
      'mirrors: [{destination: {host: audit}}, {destination: {host: cart, subset: v2}, percentage: {value: 10}}]',
    ],
    [
      'the own copy in a list is the one that changes',
      'mirror',
      'mirrors: [{destination: {host: audit}}, {destination: {host: cart.shop.svc, subset: v1, port: {number: 1}}}]',
      { mirrorTo: 'v2' },
      'mirrors: [{destination: {host: audit}}, {destination: {host: cart.shop.svc, subset: v2, port: {number: 1}}}]',
    ],
    [
      'the older field of a share goes with the share',
      'mirror',
      'mirror: {host: cart, subset: v1}\nmirrorPercent: 20',
      { mirrorPercent: '30' },
      'mirror: {host: cart, subset: v1}\nmirrorPercentage: {value: 30}',
    ],
    [
      'another destination keeps its share',
      'split',
      'route:\n- destination: {host: legacy.ops.svc.cluster.local, subset: v1}\n  weight: 20\n- destination: {host: cart, subset: v1}\n  weight: 80',
      { shares: { v1: '30', v2: '50' } },
      'route:\n- destination: {host: legacy.ops.svc.cluster.local, subset: v1}\n  weight: 20\n- destination: {host: cart, subset: v1}\n  weight: 30\n- destination: {host: cart, subset: v2}\n  weight: 50',
    ],
    [
      'a subset that is no version keeps its share',
      'split',
      'route:\n- destination: {host: cart, subset: odd}\n  weight: 10\n- destination: {host: cart, subset: v1}\n  weight: 90\n  headers: {request: {set: {a: b}}}',
      { shares: { v1: '0', v2: '90' } },
      'route:\n- destination: {host: cart, subset: odd}\n  weight: 10\n- destination: {host: cart, subset: v1}\n  weight: 0\n  headers: {request: {set: {a: b}}}\n- destination: {host: cart, subset: v2}\n  weight: 90',
    ],
    [
      'all versions together leave nothing behind',
      'split',
      'route:\n- destination: {host: cart}\n  weight: 50\n- destination: {host: cart, subset: v1}\n  weight: 50',
      { shares: { v1: '100', v2: '0' } },
      'route:\n- destination: {host: cart, subset: v1}\n  weight: 100',
    ],
    [
      'where else a redirect leads',
      'redirect',
      'redirect: {uri: /a, scheme: https, derivePort: FROM_PROTOCOL_DEFAULT}',
      { uri: '/b' },
      'redirect: {uri: /b, scheme: https, derivePort: FROM_PROTOCOL_DEFAULT}',
    ],
    [
      'the headers beside the one that changes',
      'headers',
      'headers: {request: {set: {a: 1, b: x}, remove: [c]}}',
      {
        headers: [
          { on: 'request', op: 'set', name: 'a', value: '1' },
          { on: 'request', op: 'set', name: 'b', value: 'y' },
          { on: 'request', op: 'remove', name: 'c', value: '' },
        ],
      },
      'headers: {request: {set: {a: 1, b: y}, remove: [c]}}',
    ],
  ];
  test.each(cases)('%s', (_, intent, fields, typed, want) => {
    const form = { ...readForm(rule(fields), 0, context), ...typed };
    expect(mistakes(intent, form, context)).toEqual({});
    const { yaml } = writeForm(rule(fields), intent, form, context);
    expect(http(yaml)).toEqual({ name: 'mine', ...parse(want) });
    expect(yaml).toContain('name: mine # of lena');
  });
  test.each(cases)('%s: the same again changes nothing', (_, __, fields) => {
    const form = readForm(rule(fields), 0, context);
    const sound = intents.filter((other) => Object.keys(mistakes(other, form, context)).length === 0);
    for (const other of sound) {
      expect(writeForm(rule(fields), other, form, context).yaml).toBe(rule(fields));
    }
  });
});

describe('what the form could only damage is refused, and said', () => {
  test.each<[Intent, string, Partial<Form>, Record<string, string>]>([
    ['mirror', 'mirror: {host: audit}', { mirrorTo: 'v2' }, { mirrorTo: 'otherMirror' }],
    ['route', 'route: [{destination: {host: legacy}}]', { to: 'v2' }, { to: 'elsewhere' }],
    ['split', 'route: [{destination: {host: legacy}}]', { shares: { v1: '100' } }, { shares: 'elsewhere' }],
    [
      'split',
      'route: [{destination: {host: legacy}, weight: 1}, {destination: {host: cart, subset: v1}, weight: 1}]',
      { shares: { v1: '50' } },
      { shares: 'elsewhere' },
    ],
    [
      'split',
      'route: [{destination: {host: legacy}, weight: 20}, {destination: {host: cart, subset: v1}, weight: 80}]',
      { shares: { v1: '100' } },
      { shares: 'sumWithRest' },
    ],
    ['split', 'redirect: {uri: /a}', { shares: { v1: '100' } }, { shares: 'noDestinations' }],
    ['route', 'delegate: {name: a}', { to: 'v1' }, { to: 'noDestinations' }],
    ['fault', 'directResponse: {status: 200}', { delay: '1s' }, { delay: 'noDestinations' }],
    ['redirect', 'directResponse: {status: 200}', { uri: '/a' }, { uri: 'noDestinations' }],
    ['redirect', 'rewrite: {uriRegexRewrite: {match: a, rewrite: b}}', { uri: '/a' }, { uri: 'regexRewrite' }],
  ])('%s of %s', (intent, fields, typed, want) => {
    expect(mistakes(intent, { ...readForm(rule(fields), 0, context), ...typed }, context)).toEqual(want);
  });
  test('what else the rule does is told', () => {
    const of = (fields: string) => readForm(rule(fields), 0, context).byHand;
    expect(of('mirror: {host: audit, subset: a}').mirror).toBe('audit a');
    expect(of('fault: {abort: {grpcStatus: UNAVAILABLE}}').abort).toBe('gRPC UNAVAILABLE');
    expect(
      of('route: [{destination: {host: legacy, subset: x}, weight: 30}, {destination: {host: cart}, weight: 70}]'),
    ).toMatchObject({ destinations: ['legacy x'], services: ['legacy x'], elsewhere: 30 });
  });
});

test('a fault that says no share is for nobody', () => {
  const form = readForm(rule('fault: {delay: {fixedDelay: 1s}, abort: {httpStatus: 500}}'), 0, context);
  expect([form.delayPercent, form.abortPercent]).toEqual(['0', '0']);
  const older = readForm(rule('fault: {delay: {fixedDelay: 1s, percent: 7}}'), 0, context);
  expect(older.delayPercent).toBe('7');
});

test('weights that do not add up to 100 are shown as what they amount to', () => {
  const of = (weights: number[]) =>
    readForm(
      rule(
        `route:\n${weights.map((w, i) => `- destination: {host: cart, subset: v${i + 1}}\n  weight: ${w}`).join('\n')}`,
      ),
      0,
      context,
    ).shares;
  expect(of([1, 1])).toEqual({ v1: '50', v2: '50' });
  expect(of([1, 2])).toEqual({ v1: '33', v2: '67' });
  expect(readForm(rule(both), 0, context).shares).toEqual({ v1: '50', v2: '50' });
});

test('in another namespace the service has its whole name', () => {
  const there = (host: string) =>
    `metadata: {name: public, namespace: gateways}\nspec:\n  http:\n    - route: [{destination: {host: ${host}}}]\n`;
  const full = 'cart.shop.svc.cluster.local';
  // A short name there is another service.
  expect(readForm(there('cart'), 0, context).byHand.services).toEqual(['cart']);
  expect(readForm(there(full), 0, context).byHand.services).toEqual([]);
  const asked: Partial<Form> = { by: 'path', how: 'prefix', matchValue: '/x', to: 'v2' };
  const { yaml } = writeForm(there(full), 'route', { ...emptyForm, ...asked }, context);
  expect(http(yaml).route).toEqual([{ destination: { host: full, subset: 'v2' } }]);
  const split = writeForm(there(full), 'split', { ...emptyForm, where: 0, shares: { v1: '40', v2: '60' } }, context);
  expect(http(split.yaml).route.map((d: { destination: { host: string } }) => d.destination.host)).toEqual([
    full,
    full,
  ]);
});

test('an expression that was written to keep a browser busy is read at once', () => {
  const read = (regex: string) => readConditions({ match: [{ headers: { cookie: { regex } } }] })[0]?.[0];
  const long = '='.repeat(200_000);
  expect(read(`^(.*?;)?\\s*(${long}`)?.field).toBe('header');
  expect(read(`^(.*?;)?\\s*(${long})(;.*)?$`)).toEqual({
    field: 'cookie',
    name: '=',
    how: 'exact',
    value: long.slice(2),
  });
});

const tenfold = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`);

test.each([
  ['names what is not there', 'spec: *nothing\n'],
  ['grows without end', `a0: &a0 [x, x]\n${tenfold.join('\n')}\n`],
])('a text that %s cannot be read, and ends nothing', (_, yaml) => {
  expect(readable(yaml)).toBe(false);
  expect(readRules(yaml)).toBeUndefined();
  expect(readForm(yaml, 0, context)).toEqual({ ...emptyForm, where: 0 });
  expect(audience(yaml)).toEqual({ gateway: false, hosts: [] });
});
