import { expect, test } from 'vitest';
import type { HistoryChange } from '../../api/generated/types.gen';
import { undoEntries, undoRefs } from './undo-entries';

const ref = (name: string) => ({ kind: 'VirtualService', namespace: 'bookinfo', name });

test('the former texts, in reverse, on top of what was written', () => {
  const change = {
    entries: [
      { ref: ref('a'), op: 'create', after: 'a\n', afterEtag: '1' },
      { ref: ref('b'), op: 'change', before: 'b0\n', beforeEtag: '2', after: 'b1\n', afterEtag: '3' },
      { ref: ref('c'), op: 'delete', before: 'c\n', beforeEtag: '4' },
    ],
  } as HistoryChange;
  expect(undoEntries(change)).toEqual([
    { ref: ref('c'), etag: '', yaml: 'c\n' },
    { ref: ref('b'), etag: '3', yaml: 'b0\n' },
    { ref: ref('a'), etag: '1', delete: true },
  ]);
});

test('a Secret stays as it is', () => {
  const secret = { kind: 'Secret', namespace: 'bookinfo', name: 'b' };
  const change = {
    stays: [secret],
    entries: [
      { ref: ref('a'), op: 'create', after: 'a\n', afterEtag: '1' },
      { ref: secret, op: 'change', beforeEtag: '2', afterEtag: '3' },
    ],
  } as unknown as HistoryChange;
  expect(undoEntries(change)).toEqual([{ ref: ref('a'), etag: '1', delete: true }]);
  expect(undoRefs(change)).toEqual([ref('a')]);
});
