import { expect, test } from 'vitest';
import { formFacts, previewFacts } from './facts';
import { emptyForm, type Form, type Intent } from './model/form';

const t = ((key: string, values?: object) => (values ? `${key} ${JSON.stringify(values)}` : ` ${key} `)) as never;

test.each<[Intent, Partial<Form>, string]>([
  ['split', { shares: { v1: '80', v2: '' } }, 'v1 80, v2 0'],
  ['route', { to: 'v2' }, 'fact.route {"version":"v2"}'],
  ['route', {}, ''],
  [
    'fault',
    { delay: '2s', delayPercent: '5', abort: '503' },
    'fact.delay {"time":"2s","percent":"5"} fact.and fact.abort {"status":"503","percent":"100"}',
  ],
  ['mirror', { mirrorTo: 'v2', mirrorPercent: '20' }, 'fact.mirror {"version":"v2","percent":"20"}'],
  ['resilience', { timeout: '2s', attempts: '1' }, '2s fact.and fact.retries {"count":1}'],
  ['redirect', { authority: 'a.test', uri: '/b' }, 'a.test/b'],
  ['headers', {}, ''],
])('the step of %s says %j in few words', (intent, form, want) => {
  expect(formFacts(intent, { ...emptyForm, ...form }, t)).toBe(want);
});

test('what goes away counts among what was found', () => {
  const finding = {} as never;
  const groups = [{ proxies: [{}, {}] }, { proxies: null }] as never;
  const findings = { added: [finding], gone: [finding, finding], kept: 4 };
  expect(previewFacts({ findings, groups }, t)).toBe('fact.findings {"count":3} fact.list fact.proxies {"count":2}');
});
