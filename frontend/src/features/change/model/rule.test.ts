import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Context, emptyForm, type Form, type Intent, milliseconds, mistakes } from './form';
import { readForm, readRules, versionsNamed } from './rule';
import { withSubsets } from './subsets';
import { newVirtualService, writeForm } from './write';

const version = (v: string, subset = v) => ({ version: v, subset, labels: { version: v } });
const context: Context = {
  namespace: 'bookinfo',
  name: 'ratings',
  versions: [version('v1'), version('v2')],
};
const byHand = `# of lena
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings, namespace: bookinfo}
spec:
  hosts: [ratings]
  http:
  # jason tests the slow path, keep
  - name: jason-delay
    match:
    - headers:
        end-user: {exact: jason}
    fault:
      delay: {fixedDelay: 7s, percentage: {value: 100}}
    route:
    - destination: {host: ratings, subset: v1}
  - name: by-version   # the rest

    corsPolicy: {allowOrigins: [{exact: "*"}]}
    timeout: 2s
    route:
    - destination: {host: ratings, subset: v1}
      weight: 90
    - destination: {host: ratings.bookinfo.svc.cluster.local, subset: v2}
      weight: 10
`;
const write = (yaml: string, intent: Intent, form: Partial<Form>, of = context) =>
  writeForm(yaml, intent, { ...emptyForm, ...form }, of);
const http = (yaml: string, i: number) => parse(yaml).spec.http[i];
const changed = (before: string, after: string) => {
  const a = before.split('\n');
  const b = after.split('\n');
  return {
    gone: a.filter((l) => !b.includes(l)).map((l) => l.trim()),
    come: b.filter((l) => !a.includes(l)).map((l) => l.trim()),
  };
};

test('the rules of a text, for choosing one', () => {
  expect(readRules(byHand)).toEqual([
    {
      index: 0,
      name: 'jason-delay',
      conditions: [[{ field: 'user', name: '', how: 'exact', value: 'jason' }]],
    },
    {
      index: 1,
      name: 'by-version',
      conditions: [],
    },
  ]);
  expect(readRules('a: [')).toBeUndefined();
});

describe('changes only what the form is about, comments and looks stay', () => {
  test('time-out and retries', () => {
    const { yaml } = write(byHand, 'resilience', {
      where: 1,
      timeout: '3s',
      attempts: '2',
      perTry: '500ms',
      retryOn: '5xx,reset',
    });
    expect(changed(byHand, yaml)).toEqual({
      gone: ['timeout: 2s'],
      come: ['timeout: 3s', 'retries:', 'attempts: 2', 'perTryTimeout: 500ms', 'retryOn: 5xx,reset'],
    });
  });
  test('weights', () => {
    const { yaml } = write(byHand, 'split', { where: 1, shares: { v1: '30', v2: '70' } });
    expect(changed(byHand, yaml)).toEqual({ gone: ['weight: 90', 'weight: 10'], come: ['weight: 30', 'weight: 70'] });
  });
  test('a fault', () => {
    const { yaml } = write(byHand, 'fault', { where: 1, abort: '503', abortPercent: '50' });
    expect(http(yaml, 1).fault).toEqual({ abort: { httpStatus: 503, percentage: { value: 50 } } });
    expect(changed(byHand, yaml).gone).toEqual([]);
  });
  test('the same again changes nothing', () => {
    for (const intent of ['split', 'resilience', 'fault', 'headers'] as const) {
      const form = readForm(byHand, intent === 'fault' ? 0 : 1, context);
      expect(writeForm(byHand, intent, form, context).yaml).toBe(byHand);
    }
  });
});

test('a new rule stands first, with its match; the others stay behind it', () => {
  const { yaml, where } = write(byHand, 'route', {
    by: 'header',
    matchName: 'X-Beta',
    how: 'exact',
    matchValue: 'yes',
    to: 'v2',
  });
  expect(where).toBe(0);
  expect(http(yaml, 0)).toEqual({
    match: [{ headers: { 'x-beta': { exact: 'yes' } } }],
    route: [{ destination: { host: 'ratings', subset: 'v2' } }],
  });
  expect(http(yaml, 1).name).toBe('jason-delay');
  expect(yaml).toMatch(/# jason tests the slow path, keep\n\s*- name: jason-delay/);
  expect(yaml).toContain('# the rest');
  // Some readers of YAML take a bare yes for true.
  expect(yaml).toContain('exact: "yes"');
});

test('where there was no rule, the others keep their way', () => {
  const { yaml } = write(newVirtualService(context), 'route', {
    by: 'path',
    how: 'prefix',
    matchValue: '/v2',
    to: 'v2',
  });
  expect(parse(yaml).spec).toEqual({
    hosts: ['ratings'],
    http: [
      { match: [{ uri: { prefix: '/v2' } }], route: [{ destination: { host: 'ratings', subset: 'v2' } }] },
      { route: [{ destination: { host: 'ratings' } }] },
    ],
  });
});

test('a new rule for all requests hides none that is there', () => {
  const { yaml, where } = write(byHand, 'headers', {
    headers: [{ on: 'response', op: 'set', name: 'x-a', value: '1' }],
  });
  expect(where).toBe(2);
  expect(http(yaml, 2).headers).toEqual({ response: { set: { 'x-a': '1' } } });
});

describe('what is written is what is read', () => {
  const forms: [Intent, Partial<Form>][] = [
    ['split', { shares: { v1: '60', v2: '40' } }],
    ['route', { by: 'cookie', matchName: 'user.id', matchValue: 'a+b', to: 'v2' }],
    ['route', { by: 'user', matchValue: 'jason', to: 'v1' }],
    ['route', { by: 'path', how: 'regex', matchValue: '/a.*', to: 'v1' }],
    ['fault', { delay: '7s', delayPercent: '12.5', abort: '418', abortPercent: '100' }],
    ['mirror', { mirrorTo: 'v2', mirrorPercent: '20' }],
    ['resilience', { timeout: '2s', attempts: '3', perTry: '200ms', retryOn: '5xx' }],
    ['redirect', { action: 'redirect', uri: '/new', authority: 'other', code: '308' }],
    ['redirect', { action: 'rewrite', uri: '/new' }],
    [
      'headers',
      {
        headers: [
          { on: 'request', op: 'set', name: 'x-a', value: '1' },
          { on: 'request', op: 'remove', name: 'x-b', value: '' },
          { on: 'response', op: 'add', name: 'x-c', value: '2' },
        ],
      },
    ],
  ];
  test.each(forms)('%s %j', (intent, given) => {
    for (const start of [newVirtualService(context), byHand]) {
      const { yaml, where } = write(start, intent, given);
      expect(readForm(yaml, where, context)).toMatchObject({ ...given, where });
      expect(mistakes(intent, { ...emptyForm, ...given }, context)).toEqual({});
    }
  });
});

test('a redirect has no destinations; a rewrite gets one', () => {
  const redirected = write(byHand, 'redirect', { where: 1, action: 'redirect', uri: '/x', code: '302' }).yaml;
  expect(http(redirected, 1).route).toBeUndefined();
  const back = write(redirected, 'redirect', { where: 1, action: 'rewrite', uri: '/y' }).yaml;
  expect(http(back, 1)).toMatchObject({ rewrite: { uri: '/y' }, route: [{ destination: { host: 'ratings' } }] });
  expect(http(back, 1).redirect).toBeUndefined();
});

test('to one version: its destination stays, the others go', () => {
  const { yaml } = write(byHand, 'route', { where: 1, to: 'v2' });
  expect(http(yaml, 1).route).toEqual([{ destination: { host: 'ratings.bookinfo.svc.cluster.local', subset: 'v2' } }]);
});

test('subsets that no DestinationRule has are made, named by the version', () => {
  const without: Context = { ...context, versions: [version('v1'), version('v2', '')] };
  expect(withSubsets(undefined, ['v1'], without)).toBeUndefined();
  expect(parse(withSubsets(undefined, ['v2'], without) ?? '').spec).toEqual({
    host: 'ratings',
    subsets: [{ name: 'v2', labels: { version: 'v2' } }],
  });
  const rule = 'spec:\n  host: ratings # ours\n  subsets:\n  - name: v1\n    labels: {version: v1}\n';
  expect(withSubsets(rule, ['v2'], without)).toBe(`${rule}  - name: v2\n    labels:\n      version: v2\n`);
  expect(versionsNamed('split', { ...emptyForm, shares: { v1: '0', v2: '100' } })).toEqual(['v2']);
});

describe('mistakes stand at their field', () => {
  test.each<[Intent, Partial<Form>, Record<string, string>]>([
    ['split', { shares: { v1: '60', v2: '30' } }, { shares: 'sum' }],
    ['split', { shares: { v1: '160', v2: 'x' } }, { 'shares.v1': 'percent', 'shares.v2': 'percent' }],
    ['route', { by: 'all', to: 'v1' }, { by: 'required' }],
    [
      'route',
      { by: 'header', matchName: 'a b', matchValue: '' },
      { matchName: 'token', matchValue: 'required', to: 'required' },
    ],
    ['route', { by: 'path', matchValue: 'x', to: 'v1' }, { matchValue: 'path' }],
    ['route', { by: 'path', how: 'regex', matchValue: '(', to: 'v1' }, { matchValue: 'regex' }],
    ['fault', {}, { delay: 'nothing' }],
    [
      'fault',
      { delay: '7', delayPercent: '101', abort: '99' },
      { delay: 'duration', delayPercent: 'percent', abort: 'status' },
    ],
    ['mirror', { mirrorPercent: '' }, { mirrorTo: 'required', mirrorPercent: 'percent' }],
    ['resilience', { timeout: '2 s' }, { timeout: 'duration' }],
    ['resilience', { timeout: '1s', attempts: '2', perTry: '2s' }, { perTry: 'longer' }],
    ['resilience', { timeout: '1s', perTry: '1s' }, { attempts: 'required' }],
    ['redirect', { action: 'redirect', uri: 'x', code: '200' }, { uri: 'path', code: 'redirectCode' }],
    ['headers', {}, { headers: 'nothing' }],
    [
      'headers',
      { headers: [{ on: 'request', op: 'set', name: 'é', value: '' }] },
      { 'headers.0.name': 'token', 'headers.0.value': 'required' },
    ],
  ])('%s %j', (intent, form, want) => {
    expect(mistakes(intent, { ...emptyForm, ...form }, context)).toEqual(want);
  });
});

test('durations', () => {
  expect(milliseconds('1.5s')).toBe(1500);
  expect(milliseconds('1h2m')).toBe(3_720_000);
  expect(milliseconds('2 s')).toBeUndefined();
});
