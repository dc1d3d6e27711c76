import { expect, test } from 'vitest';
import { applySplices, splice } from './code-note';

test.each([
  ['weight: 90\n', 'weight: 70\n'],
  ['', 'abc'],
  ['abc', ''],
  ['aa', 'aaa'],
  ['路由: 1', '路由: 2'],
])('%j becomes %j by its smallest change', (before, after) => {
  const s = splice(before, after);
  expect(s && applySplices(before, [s])).toBe(after);
});

test('equal texts need none', () => expect(splice('a', 'a')).toBeNull());

test('several splices are of the text before', () => {
  expect(
    applySplices('0123456789', [
      { from: 1, to: 2, insert: 'one' },
      { from: 8, to: 8, insert: '-' },
    ]),
  ).toBe('0one234567-89');
});
