import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { ChangeSetPage } from './change-set-page';

const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'default', name: 'reviews' };
const change = {
  id: '7',
  actor: 'lena',
  via: 'console',
  at: '2026-01-01T10:00:00Z',
  undoable: true,
  services: [],
  summary: { code: 'changed', params: { kind: 'VirtualService', namespace: 'default', name: 'reviews' } },
  entries: [{ ref, op: 'change', before: 'a: 1\n', after: 'a: 2\n', afterEtag: 'e2' }],
};
const row = (uid: string, state: string, more = {}) => ({
  id: `${uid}.default`,
  uid,
  workload: uid,
  namespace: 'default',
  state,
  since: '2026-01-01T10:00:00Z',
  rps: 0,
  ...more,
});
const elements = {
  summary: {
    acknowledged: 1,
    concerned: 3,
    known: true,
    last: '2026-01-01T10:00:01Z',
    pending: 1,
    rejected: 1,
    sent: '2026-01-01T10:00:00.038Z',
    written: '2026-01-01T10:00:00Z',
  },
  a: row('productpage', 'acknowledged', { ms: 186, rps: 48 }),
  b: row('forecast', 'rejected', {
    ms: 131,
    error: 'Only unique values for domains are permitted',
    refs: [{ ...ref, kind: 'ServiceEntry', name: 'stations-alias' }],
    ownFault: false,
  }),
  c: row('geo', 'pending'),
};

afterEach(() => vi.unstubAllGlobals());

function show(answers: Record<string, unknown> = {}) {
  const live = fakeLive();
  fakeApi({ 'GET /api/v1/changes/7': change, ...answers });
  const page = renderPage(ChangeSetPage, { path: '/changes/$id', at: '/changes/7' });
  return { live, ...page };
}

test('rejected first with Envoy’s words, then pending, then acknowledged', async () => {
  signedIn('operator');
  const { live } = show();
  await screen.findByText('VirtualService reviews changed');
  await live.tell('delivery', elements);
  expect(screen.getByText('1 acknowledged, 1 pending, 1 rejected')).toBeDefined();
  const names = [...document.querySelectorAll('.ak-r .mono')].map((e) => e.textContent);
  expect(names).toEqual(['forecast.default', 'geo.default', 'productpage.default']);
  expect(screen.getByText(/Only unique values for domains/)).toBeDefined();
  expect(screen.getByText(/Not this change/)).toBeDefined();
  expect(screen.getByText('1 of 3, 1 rejected')).toBeDefined();
  expect(screen.getByText('186 ms')).toBeDefined();
});

test('undo leads to the change that took it back', async () => {
  signedIn('operator');
  const { address, live } = show({ 'POST /api/v1/changes/7/undo': { change: { ...change, id: '8' }, findings: [] } });
  await screen.findByText('VirtualService reviews changed');
  await live.tell('delivery', elements);
  await userEvent.click(screen.getByRole('button', { name: 'Undo this change' }));
  await vi.waitFor(() => expect(address()).toBe('/changes/8'));
});

test('what was changed since opens the merge', async () => {
  signedIn('operator');
  const { live } = show({
    'POST /api/v1/changes/7/undo': new Refusal(412, { title: 'stale', conflicts: [] }),
    'POST /api/v1/preview': {
      blocked: false,
      refused: false,
      written: [],
      findings: { added: [], gone: [], kept: 0 },
      groups: [],
      settings: [],
      requests: null,
      conflicts: [
        {
          ref,
          etag: 'e3',
          base: 'a: 2\n',
          theirs: 'a: 3\n',
          mine: 'a: 1\n',
          hunks: [{ kind: 'conflict', base: 'a: 2\n', theirs: 'a: 3\n', mine: 'a: 1\n' }],
        },
      ],
    },
  });
  await screen.findByText('VirtualService reviews changed');
  await live.tell('delivery', elements);
  await userEvent.click(screen.getByRole('button', { name: 'Undo this change' }));
  expect(await screen.findByText(/was changed meanwhile/)).toBeDefined();
});

test('a viewer sees it and cannot take it back; an unknown change says so', async () => {
  signedIn('viewer');
  const { unmount } = show();
  await screen.findByText('VirtualService reviews changed');
  expect(screen.queryByRole('button', { name: 'Undo this change' })).toBeNull();
  unmount();
  show({ 'GET /api/v1/changes/7': new Refusal(404, { title: 'Not Found' }) });
  expect(await screen.findByText('There is no such change')).toBeDefined();
});

const split = {
  ...change,
  services: ['default/reviews'],
  summary: {
    code: 'weights',
    params: {
      kind: 'VirtualService',
      namespace: 'default',
      name: 'reviews',
      route: '1',
      labels: 'v1/v2',
      from: '100/0',
      to: '70/30',
    },
  },
};
const told = {
  acked: 1,
  total: 1,
  rejected: 0,
  allRoutes: false,
  asked: { v1: 70, v2: 30 },
  effect: { v1: 70, v2: 30 },
  enough: 100,
  measured: { v2: { pct: 29, n: 290, rps: 5, errorShare: 0 } },
  n: 1000,
  since: '2026-01-01T10:00:00Z',
  state: 'settled',
};
const reviews = {
  ref,
  etag: 'e2',
  findings: {},
  hosts: [],
  services: [],
  notSupported: false,
  scope: 'services',
  state: 'ok',
};
const id = 'VirtualService.networking.istio.io/default/reviews';

test('the shares of the route that was changed are told while its text is in force', async () => {
  signedIn('operator');
  const { live } = show({ 'GET /api/v1/changes/7': split });
  await screen.findByText(/^VirtualService reviews: v2/);
  expect(screen.queryByText('Settled')).toBeNull();
  await live.tell('delivery', elements);
  await live.tell('objects', { [id]: reviews });
  await live.tell('split', { state: told });
  expect(screen.getByText(/^v2 takes 29(\.0)?\s%, asked 30(\.0)?\s%$/)).toBeDefined();
  expect(screen.getByText('Settled')).toBeDefined();
  await live.patch('objects', { [id]: { ...reviews, etag: 'e9' } });
  expect(await screen.findByText('another split is in force')).toBeDefined();
  expect(screen.queryByText('Settled')).toBeNull();
});

test('what moves no shares is not called measured', async () => {
  signedIn('operator');
  const { live } = show();
  await screen.findByText('VirtualService reviews changed');
  await live.tell('delivery', elements);
  expect(screen.getByText('not a matter of shares').closest('li')?.className).toBe('lm-none');
});

test('of a change with a Secret the rest is undone, and what stays is named', async () => {
  signedIn('operator');
  const secret = { kind: 'Secret', namespace: 'default', name: 'stars' };
  const asked: unknown[] = [];
  show({
    'GET /api/v1/changes/7': {
      ...change,
      stays: [secret],
      entries: [...change.entries, { ref: secret, op: 'change', beforeEtag: 's1', afterEtag: 's2' }],
    },
    'POST /api/v1/changes/7/undo': (body: unknown) => {
      asked.push(body);
      return { change: { ...change, id: '8', undoes: '7' }, findings: [] };
    },
  });
  await screen.findByText('Secret default/stars stays as it is: what Secrets hold is not kept.');
  await userEvent.click(screen.getByRole('button', { name: 'Undo the rest' }));
  await vi.waitFor(() => expect(asked).toEqual([{ rest: true }]));
});
