import { expect, test } from 'vitest';
import type { MergeConflict } from '../../api/generated/types.gen';
import { resolved, withMerged } from './resolve';

const ref = { kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' };
const conflict: MergeConflict = {
  ref,
  etag: 'now',
  base: 'a\nb\nc\n',
  theirs: 'a\nB\nc\nd\n',
  mine: 'a\nß\nc\n',
  hunks: [
    { kind: 'same', base: 'a\n', theirs: 'a\n', mine: 'a\n' },
    { kind: 'conflict', base: 'b\n', theirs: 'B\n', mine: 'ß\n' },
    { kind: 'same', base: 'c\n', theirs: 'c\n', mine: 'c\n' },
    { kind: 'theirs', base: '', theirs: 'd\n', mine: '' },
  ],
};

test('a block takes mine, theirs or both; what only one side changed is kept', () => {
  expect(resolved(conflict, [undefined])).toBeUndefined();
  expect(resolved(conflict, ['mine'])).toBe('a\nß\nc\nd\n');
  expect(resolved(conflict, ['theirs'])).toBe('a\nB\nc\nd\n');
  expect(resolved(conflict, ['both'])).toBe('a\nB\nß\nc\nd\n');
});

test('a clean merge needs no answer', () => {
  expect(resolved({ ...conflict, merged: 'clean\n' }, [])).toBe('clean\n');
});

test('the merged text replaces the entry on top of the version merged with', () => {
  const other = { ref: { ...ref, name: 'ratings' }, etag: 'x', yaml: 'y' };
  expect(withMerged([other, { ref, etag: 'old', edits: [] }], conflict, 'text\n')).toEqual([
    other,
    { ref, etag: 'now', yaml: 'text\n' },
  ]);
});

test('an empty text deletes, unless it is gone already', () => {
  expect(withMerged([{ ref, etag: 'old' }], conflict, '')).toEqual([{ ref, etag: 'now', delete: true }]);
  expect(withMerged([{ ref, etag: 'old' }], { ...conflict, theirs: '' }, '')).toEqual([]);
});
