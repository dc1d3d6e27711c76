import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CanarySplit, CanaryTold } from '../../api/generated/types.gen';
import { sessionStore } from '../../api/session-store';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { type SplitForm, SplitSheet } from './split-sheet';

const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'default', name: 'reviews' };
const version = (v: string) => ({ version: v, labels: { version: v }, subset: v, workloads: null, pods: 1, ready: 1 });
const split: CanarySplit = {
  service: { namespace: 'default', name: 'reviews', host: 'reviews.default.svc.cluster.local' },
  versions: [version('v1'), version('v2'), version('v3')],
  candidates: [{ id: 'a', kind: 'mesh', ref, route: 0, matches: [], weights: { v1: 70, v2: 10, v3: 20 }, etag: 'e1' }],
  preselected: 'a',
};
const told: CanaryTold = {
  asked: { v1: 70, v2: 10, v3: 20 },
  effect: { v1: 70, v2: 10, v3: 20 },
  measured: {
    v1: { n: 700, pct: 70, rps: 67.5, errorShare: 0, p95: 41 },
    v2: { n: 100, pct: 10, rps: 9.4, errorShare: 0.004, p95: 88 },
    v3: { n: 200, pct: 20, rps: 19.1, errorShare: 0.079, p95: 1140 },
  },
  n: 1000,
  since: '2026-01-01T10:00:00Z',
  state: 'settled',
  enough: 100,
  acked: 20,
  rejected: 0,
  total: 20,
  allRoutes: false,
};
const preview = {
  blocked: false,
  refused: false,
  written: [{ ref, before: 'weight: 70\n', after: 'weight: 71\n' }],
  findings: { added: [], gone: [], kept: 0 },
  groups: [],
  settings: [],
  requests: null,
};

let live: ReturnType<typeof fakeLive>;
let asked: { weights: Record<string, number> }[];

beforeEach(() => {
  live = fakeLive();
  asked = [];
});
afterEach(() => {
  sessionStore.getState().leave();
  vi.unstubAllGlobals();
});

function show(answers: Record<string, unknown> = {}, form: SplitForm = 'page') {
  fakeApi({
    'GET /api/v1/services/default/reviews/split': split,
    'POST /api/v1/services/default/reviews/split': (body: unknown) => {
      asked.push(body as { weights: Record<string, number> });
      return { entries: [{ ref, etag: 'e1', edits: [] }] };
    },
    'POST /api/v1/preview': preview,
    ...answers,
  });
  return renderPage(() => <SplitSheet namespace="default" name="reviews" form={form} />, { path: '/' });
}

const chip = () => document.querySelector('.state')?.textContent;

test('shows what is asked, in effect and measured', async () => {
  signedIn('operator');
  show();
  expect(await screen.findAllByRole('slider')).toHaveLength(2);
  await live.tell('split', { state: told });
  expect(chip()).toBe('Settled');
  const row = screen.getByRole('row', { name: /v3/ });
  expect(within(row).getByText(/\+7\.9/)).toBeDefined();
  expect(screen.getByText(/1000 requests counted|1,000 requests counted/)).toBeDefined();
});

test('by keyboard: a draft with its preview, then Apply, and what arrives is followed', async () => {
  signedIn('operator');
  show({ 'PUT /api/v1/changes': { change: { id: '7', at: '2026-01-01T10:00:00Z', undoable: true }, findings: [] } });
  const [first] = await screen.findAllByRole('slider');
  await live.tell('split', { state: told });
  first?.focus();
  await userEvent.keyboard('{ArrowRight}{PageDown}{ArrowRight}{PageUp}');
  expect(first?.getAttribute('aria-valuetext')).toBe('v1 72 %, v2 8 %');
  expect(chip()).toBe('Draft, not written');
  await userEvent.click(await screen.findByRole('button', { name: 'Apply' }));
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull());
  expect(asked.at(-1)?.weights).toEqual({ v1: 72, v2: 8, v3: 20 });
  // Until the mesh tells of it, what was told before is not said of what was written.
  expect(first?.getAttribute('aria-valuetext')).toBe('v1 72 %, v2 8 %');
  expect(chip()).toBe('0 of 20 proxies have it');
  await live.tell('split', { state: { ...told, n: 1100 } });
  expect(chip()).toBe('0 of 20 proxies have it');
  await live.tell('split', {
    state: { ...told, asked: { v1: 72, v2: 8, v3: 20 }, state: 'pending', acked: 12, n: 0, measured: {} },
  });
  expect(chip()).toBe('12 of 20 proxies have it');
  // It is no draft any more: what others write now is no conflict with it.
  await live.tell('split', { state: { ...told, asked: { v1: 50, v2: 0, v3: 50 } } });
  expect(chip()).toBe('Settled');
});

test('Escape goes back to what is in effect, a typed number is paid by the stable version', async () => {
  signedIn('operator');
  show();
  const input = await screen.findByRole('spinbutton', { name: /v3, asked/ });
  await live.tell('split', { state: told });
  await userEvent.click(screen.getByRole('button', { name: 'v3 −1 %' }));
  expect((input as HTMLInputElement).value).toBe('19');
  expect((screen.getByRole('spinbutton', { name: /v1, asked/ }) as HTMLInputElement).value).toBe('71');
  await userEvent.click(screen.getByRole('button', { name: '50 %' }));
  expect((input as HTMLInputElement).value).toBe('50');
  screen.getAllByRole('slider')[0]?.focus();
  await userEvent.keyboard('{Escape}');
  expect((input as HTMLInputElement).value).toBe('20');
  expect(chip()).toBe('Settled');
});

test('somebody else was quicker: three values, and nothing is written', async () => {
  signedIn('operator');
  show();
  await live.tell('split', { state: told });
  await userEvent.click(await screen.findByRole('button', { name: '5 %' }));
  expect(chip()).toBe('Draft, not written');
  await live.tell('split', { state: { ...told, asked: { v1: 50, v2: 0, v3: 50 } } });
  expect(chip()).toBe('Changed by somebody else');
  expect(screen.getByText('85 / 10 / 5')).toBeDefined();
  expect(screen.getByText('50 / 0 / 50')).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Go on with yours' }));
  expect(await screen.findByRole('button', { name: 'Apply' })).toBeDefined();
});

test('a draft that was written by somebody else is none any more', async () => {
  signedIn('operator');
  show();
  await live.tell('split', { state: told });
  await userEvent.click(await screen.findByRole('button', { name: '5 %' }));
  await live.tell('split', { state: { ...told, asked: { v1: 85, v2: 10, v3: 5 } } });
  expect(chip()).not.toBe('Draft, not written');
  await live.tell('split', { state: { ...told, asked: { v1: 50, v2: 0, v3: 50 } } });
  expect(chip()).not.toBe('Changed by somebody else');
  const first = screen.getAllByRole('slider')[0];
  expect(first?.getAttribute('aria-valuetext')).toBe('v1 50 %, v2 0 %');
});

const slider = async () => (await screen.findAllByRole('slider'))[0]?.getAttribute('aria-valuetext');

test('a draft of the card goes on in the panel, and is kept until it is discarded', async () => {
  signedIn('operator');
  const card = show({}, 'card');
  await live.tell('split', { state: told });
  (await screen.findAllByRole('slider'))[0]?.focus();
  await userEvent.keyboard('{ArrowRight}{ArrowRight}');
  expect(await slider()).toBe('v1 72 %, v2 8 %');
  card.unmount();
  const panel = show({}, 'panel');
  expect(await slider()).toBe('v1 72 %, v2 8 %');
  expect(chip()).toBe('Draft, not written');
  await userEvent.click(within(await screen.findByRole('complementary')).getByRole('button', { name: 'Discard' }));
  expect(await slider()).toBe('v1 70 %, v2 10 %');
  panel.unmount();
  show();
  expect(await slider()).toBe('v1 70 %, v2 10 %');
});

test('a preview that was closed stays so, and somebody who signs in later gets no draft', async () => {
  signedIn('operator');
  const first = show();
  await live.tell('split', { state: told });
  await userEvent.click(await screen.findByRole('button', { name: '5 %' }));
  await userEvent.click(within(await screen.findByRole('complementary')).getByRole('button', { name: /Close/ }));
  first.unmount();
  const again = show();
  await userEvent.click(await screen.findByRole('button', { name: 'Preview' }));
  expect(await screen.findByRole('complementary')).toBeTruthy();
  again.unmount();
  sessionStore.getState().leave();
  signedIn('operator', 'mira');
  show();
  expect(await slider()).toBe('v1 70 %, v2 10 %');
});

test('who may only look has no handles', async () => {
  signedIn('viewer');
  show();
  await live.tell('split', { state: told });
  expect(await screen.findByText(/You may look, not change/)).toBeDefined();
  expect(screen.queryByRole('slider')).toBeNull();
  expect(screen.queryByRole('spinbutton')).toBeNull();
});

test('says why it cannot be split, and where that stands', async () => {
  signedIn('operator');
  show({
    'GET /api/v1/services/default/reviews/split': {
      ...split,
      candidates: [],
      preselected: '',
      refused: { code: 'severalHosts', ref, path: 'spec.hosts' },
    },
  });
  expect(await screen.findByText(/for other services too/)).toBeDefined();
  expect(screen.getByText('spec.hosts')).toBeDefined();
});
