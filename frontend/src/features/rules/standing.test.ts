import { expect, test } from 'vitest';
import type { Standing } from '../../api/generated/types.gen';
import { standingOf } from './standing';

const at = { kind: 'VirtualService', namespace: 'shop', name: 'reviews' };
const document = (name = 'reviews', state: Standing['state'] = 'changed'): Standing => ({
  file: 'a',
  line: 1,
  ref: { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name },
  state,
});
const asked = { checking: false, edited: true, findings: [], documents: [document()], at };
const error = (code: string) => ({ severity: 'error', code });

test.each([
  ['as it should be', {}, undefined],
  ['nothing typed', { edited: false }, 'unchanged'],
  ['not checked yet', { checking: true }, 'checking'],
  ['two objects', { documents: [document(), document('b')] }, 'several'],
  ['another name', { documents: [document('other', 'new')] }, 'other'],
  ['a new one that is there', { at: undefined }, 'exists'],
  ['a new one', { at: undefined, documents: [document('x', 'new')] }, undefined],
  ['wrong', { findings: [error('HDL1012')] }, 'errors'],
  ['no object', { documents: [] }, 'none'],
] as const)('%s', (_, change, stop) => {
  expect(standingOf({ ...asked, ...change } as Parameters<typeof standingOf>[0]).stop).toBe(stop);
});

test('errors of the mesh may be forced, errors of the text not', () => {
  expect(standingOf({ ...asked, findings: [error('HDL1012')] }).forceable).toBe(true);
  expect(standingOf({ ...asked, findings: [error('HDL1012'), error('HDL0001')] }).forceable).toBe(false);
  expect(standingOf(asked).forceable).toBe(false);
});
