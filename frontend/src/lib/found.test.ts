import { expect, test } from 'vitest';
import { allFixes, fieldName, fixWords, isUnreadable, lineStart, rangeOf } from './found';

const text = 'kind: A\n# 路由\nhosts: [reviews, "a b"]\n  - weight: 90 # most\n  - { host: x, subset: v4 }\n路: 由\n';
const cut = (line: number, column?: number) => {
  const { from, to } = rangeOf(text, { line, documentLine: 1, ...(column ? { column } : {}) });
  return text.slice(from, to);
};

test.each([
  [1, 7, 'A'],
  [3, 9, 'reviews'],
  [3, 18, '"a b"'],
  [3, 8, '[reviews, "a b"]'],
  [4, 13, '90'],
  [4, 5, 'weight'],
  [5, 24, 'v4'],
  [5, 5, '{ host: x, subset: v4 }'],
  [6, 4, '由'],
] as const)('line %d, column %d is %j', (line, column, want) => expect(cut(line, column)).toBe(want));

test('a line without column is meant from its first word', () => {
  expect(cut(4)).toBe('weight');
  expect(cut(99)).toBe('');
  expect(rangeOf(text, { documentLine: 3 }).from).toBe(lineStart(text, 3));
});

test.each([
  ['spec.http[0].route[1].weight', 'weight'],
  ['spec.hosts[0]', 'hosts'],
  ['spec.http[0].match[0].headers["end-user"]', 'end-user'],
  ['kind', 'kind'],
])('%s is about %s', (path, want) => expect(fieldName(path)).toBe(want));

test('what the button of a fix says', () => {
  expect(fixWords({ fix: [{ op: 'set', path: 'a.weight', value: '20' }], splices: [] })).toEqual({
    key: 'set',
    value: '20',
  });
  expect(fixWords({ fix: [{ op: 'set', path: 'a.subset', value: '"v3"\n' }], splices: [] })).toEqual({
    key: 'use',
    value: 'v3',
  });
  expect(fixWords({ fix: [{ op: 'delete', path: 'a.http[2]' }], splices: [] })).toEqual({
    key: 'remove',
    field: 'http',
  });
  expect(fixWords({ fix: [{ op: 'insert', path: 'a.ports[0]', value: 'x: 1\n' }], splices: [] })).toEqual({
    key: 'add',
    field: 'ports',
  });
  expect(fixWords({ fix: [{ op: 'set', path: 'a', value: 'x:\n  y: 1' }], splices: [] })).toEqual({ key: 'fix' });
  expect(fixWords({ splices: null })).toEqual({ key: 'fix' });
  expect(fixWords({ splices: [{ from: 1, to: 2, insert: 'timeout' }] })).toEqual({ key: 'use', value: 'timeout' });
  expect(fixWords({ splices: [{ from: 1, to: 2, insert: '"true"' }] })).toEqual({ key: 'use', value: '"true"' });
  expect(fixWords({ splices: [{ from: 1, to: 2, insert: '[reviews]' }] })).toEqual({ key: 'use', value: '[reviews]' });
});

test('fixes that touch one another wait for the next round', () => {
  const one = { splices: [{ from: 0, to: 2, insert: 'a' }] };
  const two = { splices: [{ from: 5, to: 6, insert: 'b' }] };
  const over = { splices: [{ from: 1, to: 5, insert: 'c' }] };
  expect(allFixes([one, over, two, { splices: [] }])).toEqual({ splices: [...one.splices, ...two.splices], count: 2 });
  // Two findings with one and the same fix are both mended by it.
  expect(allFixes([one, one])).toEqual({ splices: one.splices, count: 2 });
  // Two insertions at one place would depend on their order.
  const insert = (text: string) => ({ splices: [{ from: 3, to: 3, insert: text }] });
  expect(allFixes([insert('x'), insert('y')]).count).toBe(1);
});

test('what cannot be forced', () => {
  expect(isUnreadable('HDL0001')).toBe(true);
  expect(isUnreadable('HDL1012')).toBe(false);
});
