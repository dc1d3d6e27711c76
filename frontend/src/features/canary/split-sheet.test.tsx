import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CanarySplit, CanaryTold } from '../../api/generated/types.gen';
import { sessionStore } from '../../api/session-store';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { type SplitForm, SplitSheet } from './split-sheet';
import type { ChoiceAddress } from './use-split';

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

function show(answers: Record<string, unknown> = {}, form: SplitForm = 'page', address?: ChoiceAddress) {
  fakeApi({
    'GET /api/v1/services/default/reviews/split': split,
    'POST /api/v1/services/default/reviews/split': (body: unknown) => {
      asked.push(body as { weights: Record<string, number> });
      return { entries: [{ ref, etag: 'e1', edits: [] }] };
    },
    'POST /api/v1/preview': preview,
    ...answers,
  });
  return renderPage(
    () => <SplitSheet namespace="default" name="reviews" form={form} {...(address ? { address } : {})} />,
    { path: '/' },
  );
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
  expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull();
  expect(three()).toEqual(['When you opened70 / 10 / 20', 'Now50 / 0 / 50', 'You ask85 / 10 / 5']);
  // Who it was is said once the mesh tells of that version.
  await live.tell('objects', {
    'VirtualService.networking.istio.io/default/reviews': {
      etag: 'e1',
      changed: { at: '2026-01-01T10:07:00Z', actor: 'mira', change: '8' },
    },
  });
  expect(screen.getByText('mira changed this split while you looked.')).toBeDefined();
  expect(three()[1]).toMatch(/^mira, \d\d:07/);
  // By hand: a draft against hers, with the three values beside it.
  await userEvent.click(screen.getByRole('button', { name: 'Merge by hand' }));
  expect(chip()).toBe('Draft, not written');
  expect(three()).toHaveLength(3);
  expect(await screen.findByRole('button', { name: 'Apply' })).toBeDefined();
  // And changed underneath once more.
  await live.tell('split', { state: { ...told, asked: { v1: 0, v2: 0, v3: 100 } } });
  expect(chip()).toBe('Changed by somebody else');
  expect(three()[0]).toBe('When you opened70 / 10 / 20');
  await userEvent.click(screen.getByRole('button', { name: "Start from mira's" }));
  expect(chip()).toBe('Settled');
  expect(await slider()).toBe('v1 0 %, v2 0 %');
});

const three = () => [...document.querySelectorAll('.three > div')].map((div) => div.textContent);

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

const share = (version: string) =>
  (screen.getByRole('spinbutton', { name: `${version}, asked share in percent` }) as HTMLInputElement).value;
const stable = () => screen.getByRole('radio', { checked: true }).getAttribute('aria-label');

test('the stable version is chosen: it pays first, and the others are held against it', async () => {
  signedIn('operator');
  const panel = show({}, 'panel');
  await live.tell('split', { state: told });
  expect(await screen.findByText('against v1')).toBeDefined();
  expect(stable()).toBe('v1 is the stable version');
  await userEvent.click(screen.getByRole('radio', { name: 'v2 is the stable version' }));
  expect(screen.getByText('against v2')).toBeDefined();
  // 41 ms are half of 88, and 1.14 s are thirteen times as much.
  expect(within(screen.getByRole('row', { name: /^v1/ })).getAllByText(/−0\.4/)[0]?.textContent).toMatch(/0\.5× p95$/);
  expect(within(screen.getByRole('row', { name: /^v3/ })).getAllByText(/\+7\.5/)[0]?.textContent).toMatch(/13× p95$/);
  await userEvent.click(screen.getByRole('button', { name: 'v3 +1 %' }));
  expect([share('v1'), share('v2'), share('v3')]).toEqual(['70', '9', '21']);
  await userEvent.click(screen.getByRole('button', { name: '50 %' }));
  expect([share('v1'), share('v2'), share('v3')]).toEqual(['50', '0', '50']);
  // The page goes on with the choice, as it does with the draft.
  panel.unmount();
  show();
  await live.tell('split', { state: told });
  expect(await screen.findByText('against v2')).toBeDefined();
});

const rules: CanarySplit = {
  ...split,
  candidates: [
    { id: 'a', kind: 'mesh', ref, route: 1, matches: [], weights: { v1: 70, v2: 10, v3: 20 }, etag: 'e1' },
    { id: 'b', kind: 'mesh', ref, route: 0, matches: ['path /x*'], weights: { v1: 0, v2: 100, v3: 0 }, etag: 'e1' },
    { id: 'g', kind: 'gateway', ref, route: 0, matches: [], weights: { v1: 0, v2: 0, v3: 100 }, etag: 'e1' },
  ],
};

test('the choice of rule and of the stable version is kept in the address, each rule with its own', async () => {
  signedIn('operator');
  const said: object[] = [];
  const address = { set: (choice: object) => said.push(choice) };
  const answers = { 'GET /api/v1/services/default/reviews/split': rules };
  const first = show(answers, 'page', address);
  await userEvent.click(await screen.findByRole('radio', { name: /^v2/ }));
  await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Rule' }), 'b');
  await userEvent.click(screen.getByRole('radio', { name: /^v3/ }));
  await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Rule' }), 'a');
  expect(stable()).toMatch(/^v2/);
  expect(said).toEqual([
    { rule: undefined, stable: 'v2' },
    { rule: 'b', stable: undefined },
    { rule: 'b', stable: 'v3' },
    { rule: undefined, stable: 'v2' },
  ]);
  first.unmount();
  sessionStore.getState().leave();
  signedIn('operator');
  show(answers, 'page', { ...address, rule: 'b', stable: 'v1' });
  expect(await slider()).toBe('v1 0 %, v2 100 %');
  expect(stable()).toMatch(/^v1/);
});

test('rules of gateways are a choice of their own, also where calls in the mesh are refused', async () => {
  signedIn('operator');
  const first = show({ 'GET /api/v1/services/default/reviews/split': rules });
  expect(await slider()).toBe('v1 70 %, v2 10 %');
  await userEvent.click(screen.getByRole('button', { name: 'Through a gateway' }));
  expect(await slider()).toBe('v1 0 %, v2 0 %');
  expect(screen.queryByRole('combobox', { name: 'Rule' })).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'In the mesh' }));
  expect(await slider()).toBe('v1 70 %, v2 10 %');
  first.unmount();
  show({
    'GET /api/v1/services/default/reviews/split': {
      ...rules,
      candidates: rules.candidates?.slice(2),
      preselected: '',
      refused: { code: 'tcpRoutes', ref, path: 'spec.tcp' },
    },
  });
  expect(await screen.findByText('spec.tcp')).toBeDefined();
  expect(screen.queryByRole('slider')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Through a gateway' }));
  expect(await slider()).toBe('v1 0 %, v2 0 %');
});

test('digits that are typed start from the shares before the first', async () => {
  signedIn('operator');
  show();
  await live.tell('split', { state: told });
  const input = await screen.findByRole('spinbutton', { name: /v2, asked/ });
  await userEvent.tripleClick(input);
  await userEvent.keyboard('95');
  expect([share('v1'), share('v2'), share('v3')]).toEqual(['0', '95', '5']);
  await userEvent.keyboard('{Backspace}');
  expect([share('v1'), share('v2'), share('v3')]).toEqual(['71', '9', '20']);
});

test.each<[string, Partial<CanaryTold>]>([
  ['12 of 20 proxies have it', { state: 'pending', acked: 12 }],
  ['12 of 20 proxies have it, 3 rejected it', { state: 'pending', acked: 12, rejected: 3 }],
  ['Acknowledged, no request yet', { state: 'converging', n: 0, measured: {} }],
  ['42 of 100 requests counted', { state: 'converging', n: 42 }],
  ['All 20 proxies have it', { state: 'acknowledged', allRoutes: true }],
  ['19 of 20 proxies have it', { state: 'acknowledged', acked: 19, allRoutes: true }],
  ['Acknowledged', { state: 'acknowledged', acked: 0, total: 0, allRoutes: true }],
  ['Settled', { state: 'settled', acked: 19 }],
  [
    'v1 measured 66 %, asked 70 %',
    { state: 'converging', measured: { ...told.measured, v1: { n: 660, pct: 66, rps: 60, errorShare: 0 } } },
  ],
])('the chip: %s', async (want, state) => {
  signedIn('operator');
  show();
  await live.tell('split', { state: { ...told, ...state } });
  await waitFor(() => expect(chip()).toBe(want));
  expect(screen.queryByText('all routes') !== null).toBe(state.allRoutes === true);
});

test('what was just written is never called settled by what was before, a rule that is made neither', async () => {
  signedIn('operator');
  const made = {
    ...split,
    candidates: [{ id: 'new', kind: 'mesh', route: null, matches: [], weights: { v1: 34, v2: 33, v3: 33 } }],
    preselected: 'new',
  };
  let now: unknown = made;
  const even = { ...told, asked: { v1: 34, v2: 33, v3: 33 }, effect: { v1: 34, v2: 33, v3: 33 }, total: 0, acked: 0 };
  show(
    {
      'GET /api/v1/services/default/reviews/split': () => now,
      'PUT /api/v1/changes': { change: { id: '7', at: '2026-01-01T10:00:00Z', undoable: true }, findings: [] },
      'POST /api/v1/changes/7/undo': { change: { id: '8', at: '2026-01-01T10:01:00Z', undoable: true }, findings: [] },
    },
    'card',
  );
  await live.tell('split', { state: even });
  expect(chip()).toBe('Settled');
  await userEvent.click(await screen.findByRole('button', { name: '50 %' }));
  await userEvent.click(await screen.findByRole('button', { name: 'Apply' }));
  await waitFor(() => expect(chip()).toBe('Written, no proxy has it yet'));
  expect(await slider()).toBe('v1 17 %, v2 33 %');
  await live.tell('split', { state: { ...even, n: 1100 } });
  expect(chip()).toBe('Written, no proxy has it yet');
  // The mesh knows the rule by its name.
  now = { ...split, candidates: [{ ...split.candidates?.[0], weights: { v1: 17, v2: 33, v3: 50 } }] };
  const after = { ...told, asked: { v1: 17, v2: 33, v3: 50 }, state: 'pending' as const, acked: 1, total: 2 };
  await live.tell('split', { state: after });
  await waitFor(() => expect(chip()).toBe('1 of 2 proxies have it'));
  await live.tell('split', { state: { ...after, state: 'settled', acked: 2 } });
  await waitFor(() => expect(chip()).toBe('Settled'));
  // The same of the change that takes it back.
  await userEvent.click(screen.getByRole('button', { name: 'Undo this change' }));
  await waitFor(() => expect(chip()).toBe('0 of 2 proxies have it'));
  expect(await slider()).toBe('v1 34 %, v2 33 %');
  expect(screen.queryByRole('button', { name: 'Undo this change' })).toBeNull();
});

test('a second split right after the first is no conflict with oneself, and the first is not shown again', async () => {
  signedIn('operator');
  let id = 6;
  show({
    'PUT /api/v1/changes': () => ({
      change: { id: String(++id), at: '2026-01-01T10:00:00Z', undoable: true },
      findings: [],
    }),
  });
  await live.tell('split', { state: told });
  const apply = async (name: string) => {
    await userEvent.click(await screen.findByRole('button', { name }));
    const button = await screen.findByRole<HTMLButtonElement>('button', { name: 'Apply' });
    await waitFor(() => expect(button.disabled).toBe(false));
    await userEvent.click(button);
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull());
  };
  await apply('5 %');
  await apply('0 %');
  expect(await slider()).toBe('v1 90 %, v2 10 %');
  await live.tell('split', { state: { ...told, asked: { v1: 85, v2: 10, v3: 5 } } });
  expect(await slider()).toBe('v1 90 %, v2 10 %');
  expect(chip()).toBe('0 of 20 proxies have it');
  await live.tell('split', { state: { ...told, asked: { v1: 90, v2: 10, v3: 0 }, state: 'pending' } });
  expect(chip()).toBe('20 of 20 proxies have it');
  expect(screen.getByRole('link', { name: 'Watch it arrive' }).getAttribute('href')).toBe('/changes/8');
  // Others wrote: there is nothing to take back here any more.
  await live.tell('split', { state: told });
  expect(screen.queryByRole('button', { name: 'Undo this change' })).toBeNull();
});

test('the preview opens when the handle is let go, and follows while it is open', async () => {
  signedIn('operator');
  show();
  await live.tell('split', { state: told });
  const handle = (await screen.findAllByRole('slider'))[0] as HTMLElement;
  const held = new Set<number>();
  handle.setPointerCapture = (id) => void held.add(id);
  handle.hasPointerCapture = (id) => held.has(id);
  const track = handle.parentElement as HTMLElement;
  track.getBoundingClientRect = () => new DOMRect(0, 0, 500, 40);
  // Taken four pixels beside its middle, it does not jump.
  handle.getBoundingClientRect = () => new DOMRect(341, 0, 18, 56);
  fireEvent.pointerDown(handle, { pointerId: 1, button: 0, clientX: 354 });
  fireEvent.pointerMove(handle, { pointerId: 1, clientX: 354 });
  expect(await slider()).toBe('v1 70 %, v2 10 %');
  fireEvent.pointerMove(handle, { pointerId: 1, clientX: 379 });
  expect(await slider()).toBe('v1 75 %, v2 5 %');
  await waitFor(() => expect(asked.at(-1)?.weights).toEqual({ v1: 75, v2: 5, v3: 20 }));
  expect(screen.queryByRole('complementary')).toBeNull();
  fireEvent.lostPointerCapture(handle, { pointerId: 1 });
  expect(await screen.findByRole('complementary')).toBeDefined();
  fireEvent.pointerDown(handle, { pointerId: 1, button: 0, clientX: 350 });
  fireEvent.pointerMove(handle, { pointerId: 1, clientX: 355 });
  expect(screen.getByRole('complementary')).toBeDefined();
});

test('Home and End go to the neighbours, and Escape leads on where there is nothing to take back', async () => {
  signedIn('operator');
  let left = 0;
  document.addEventListener('keydown', (e) => {
    left += e.key === 'Escape' ? 1 : 0;
  });
  show();
  await live.tell('split', { state: told });
  const handles = await screen.findAllByRole('slider');
  handles[0]?.focus();
  await userEvent.keyboard('{End}');
  expect(handles.map((h) => h.getAttribute('aria-valuetext'))).toEqual(['v1 80 %, v2 0 %', 'v2 0 %, v3 20 %']);
  handles[1]?.focus();
  await userEvent.keyboard('{Home}');
  expect(handles[1]?.getAttribute('aria-valuetext')).toBe('v2 0 %, v3 20 %');
  await userEvent.keyboard('{End}');
  expect(handles[1]?.getAttribute('aria-valuetext')).toBe('v2 20 %, v3 0 %');
  await userEvent.keyboard('{Escape}');
  expect(handles.map((h) => h.getAttribute('aria-valuetext'))).toEqual(['v1 70 %, v2 10 %', 'v2 10 %, v3 20 %']);
  expect(left).toBe(0);
  await userEvent.keyboard('{Escape}');
  expect(left).toBe(1);
});

test('requests at pods of no version have a row of their own', async () => {
  signedIn('viewer');
  show();
  await live.tell('split', {
    state: { ...told, measured: { ...told.measured, '': { n: 50, pct: 5, rps: 4.2, errorShare: 0 } }, p95: 412 },
  });
  const row = await screen.findByRole('row', { name: /^Others/ });
  expect(within(row).getByText(/4\.2/)).toBeDefined();
  expect(within(screen.getByRole('row', { name: /^Total/ })).getByText(/412/)).toBeDefined();
});

test.each([
  ['tlsRoutes', 'spec.tls', /A rule for TLS/],
  ['delegate', 'spec.http[0].delegate', /leaves the decision to another object/],
  ['redirect', 'spec.http[1].redirect', /sends callers elsewhere/],
  ['twoVirtualServices', 'spec.hosts', /Two VirtualServices claim this host: VirtualService default\/other/],
  ['httpRoute', 'spec.parentRefs', /Gateway API/],
  ['unheardOf', 'spec.x', /cannot be split here/],
])('a refusal names its field: %s', async (code, path, words) => {
  signedIn('operator');
  show({
    'GET /api/v1/services/default/reviews/split': {
      ...split,
      candidates: [],
      preselected: '',
      refused: { code, ref, path, params: { other: 'VirtualService default/other' } },
    },
  });
  expect(await screen.findByText(words)).toBeDefined();
  expect(screen.getByText(path)).toBeDefined();
  expect(screen.getByRole('link', { name: 'VirtualService default/reviews' }).getAttribute('href')).toBe(
    `/rules/VirtualService/default/reviews?at=${path}`,
  );
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
