import { act, renderHook, waitFor } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import type { CheckState } from '../../api/check';
import type { Checked, Fix } from '../../api/generated/types.gen';
import { Problem } from '../../api/problem';
import { fakeApi, signedIn } from '../../testing/render';
import { useMend } from './use-mend';

const ref = { group: 'networking.istio.io', kind: 'DestinationRule', namespace: 'shop', name: 'reviews' };
const finding = { code: 'HDL2104', ref } as unknown as Checked;
const fix = { does: 'edit', ref, file: 'a.yaml', splices: [{ from: 0, to: 0, insert: '# v3\n' }] } as unknown as Fix;
const checked: CheckState = {
  answer: undefined,
  of: [{ file: 'a.yaml', text: 'kind: DestinationRule\n' }],
  checking: false,
  alone: false,
  error: undefined,
};

afterEach(() => vi.unstubAllGlobals());

function mending(check: CheckState) {
  const onText = vi.fn();
  const { result } = renderHook(() => useMend({ check, onText, onEntry: vi.fn() }));
  return { result, onText };
}

test('a fix is made in the text that was checked', () => {
  const { result, onText } = mending(checked);
  act(() => result.current.mend(finding, fix));
  expect(onText).toHaveBeenCalledWith('a.yaml', '# v3\nkind: DestinationRule\n');
});

test.each([
  ['are being checked', { checking: true }],
  ['could not be checked', { error: new Problem(500, { title: 'internal' }) }],
])('while the texts %s no older one takes their place', (_, more) => {
  const { result, onText } = mending({ ...checked, ...more });
  act(() => result.current.mend(finding, fix));
  expect(onText).not.toHaveBeenCalled();
});

test.each([
  [false, true],
  [true, false],
])('fixes are looked for as the texts were checked: alone %s', async (alone, live) => {
  signedIn('operator');
  const asked: unknown[] = [];
  fakeApi({
    'POST /api/v1/fixes': (body: unknown) => {
      asked.push(body);
      return { fixes: [fix] };
    },
  });
  const { result, onText } = mending({ ...checked, alone });
  act(() => result.current.mend(finding));
  await waitFor(() => expect(onText).toHaveBeenCalledOnce());
  expect(asked).toEqual([expect.objectContaining({ live })]);
});
