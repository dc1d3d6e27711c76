import { expect, test } from 'vitest';
import { isSameFix, type OtherFix, otherFixWords, splicesIn } from './fixes';

const rule = { group: 'networking.istio.io', kind: 'DestinationRule', namespace: 'shop', name: 'reviews' };
const add: OtherFix = { does: 'addSubsets', params: { subsets: 'v3' }, ref: rule };

test('a fix is named by what it does', () => {
  expect(otherFixWords(add)).toEqual({ key: 'addSubsets', subsets: 'v3', name: 'DestinationRule shop/reviews' });
  expect(otherFixWords({ ...add, does: 'makeRule' }).key).toBe('makeRule');
  expect(
    otherFixWords({ does: 'edit', ref: rule, edits: [{ op: 'set', path: 'spec.host', value: 'reviews' }] }),
  ).toEqual({ key: 'use', value: 'reviews' });
});

test('the same fix is found again', () => {
  expect(isSameFix(add, { ...add, splices: [] })).toBe(true);
  expect(isSameFix(add, { ...add, does: 'makeRule' })).toBe(false);
  expect(isSameFix(add, { ...add, ref: { ...rule, name: 'ratings' } })).toBe(false);
});

test('what a text has to do with a fix', () => {
  const own = [{ from: 1, to: 2, insert: 'a' }];
  const other = [{ from: 5, to: 5, insert: 'b' }];
  const elsewhere = [{ ...add, file: 'b.yaml', splices: other }];
  expect(splicesIn('a.yaml', { file: 'a.yaml', splices: own, elsewhere })).toBe(own);
  expect(splicesIn('b.yaml', { file: 'a.yaml', splices: own, elsewhere })).toEqual([]);
  expect(splicesIn('b.yaml', { file: 'a.yaml', splices: [], elsewhere })).toBe(other);
  expect(splicesIn('a.yaml', { file: 'a.yaml', splices: [], elsewhere })).toEqual([]);
  expect(splicesIn('b.yaml', { file: 'a.yaml', splices: null, elsewhere: [...elsewhere, ...elsewhere] })).toEqual([]);
  expect(splicesIn('b.yaml', { file: 'a.yaml', splices: [] })).toEqual([]);
});
