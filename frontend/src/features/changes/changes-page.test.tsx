import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { ChangesPage } from './changes-page';

const change = (id: string, name: string, more = {}) => ({
  id,
  actor: 'lena',
  via: 'console',
  at: `2026-01-01T10:00:0${id}Z`,
  undoable: true,
  services: [`shop/${name}`],
  summary: { code: 'changed', params: { kind: 'VirtualService', namespace: 'shop', name } },
  entries: [{ op: 'change', ref: { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name } }],
  ...more,
});
const first = {
  items: [change('4', 'reviews'), change('3', 'ratings', { undoneBy: '4' })],
  next: '3',
};
const second = { items: [change('2', 'details', { actor: 'omar', via: 'file' })] };

afterEach(() => vi.unstubAllGlobals());

function show(at = '/changes', answers: Record<string, unknown> = {}) {
  fakeLive();
  const asked = fakeApi({
    'GET /api/v1/changes?limit=50': first,
    'GET /api/v1/changes?limit=50&before=3': second,
    ...answers,
  });
  return { asked, ...renderPage(ChangesPage, { path: '/changes', at }) };
}

const rows = () => screen.getAllByRole('row').slice(1);

test('the newest come first, older ones on request, and each has its undo', async () => {
  signedIn('operator');
  const { address } = show('/changes', {
    'POST /api/v1/changes/4/undo': { change: change('5', 'reviews'), findings: [] },
  });
  expect(await screen.findByText('VirtualService reviews changed')).toBeDefined();
  expect(rows()).toHaveLength(2);
  expect(
    within(rows()[1] as HTMLElement)
      .getByRole('link', { name: 'Undone' })
      .getAttribute('href'),
  ).toBe('/changes/4');
  await userEvent.click(screen.getByRole('button', { name: 'Read older ones' }));
  expect(await screen.findByText('VirtualService details changed')).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Read older ones' })).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Undo: VirtualService reviews changed' }));
  await vi.waitFor(() => expect(address()).toBe('/changes/5'));
});

test('words and the origin are kept in the address; what was searched is said', async () => {
  signedIn('operator');
  show('/changes?q=mongodb');
  expect(await screen.findByText('No change matches')).toBeDefined();
  expect(screen.getByText('Searched in the latest 2 changes.')).toBeDefined();
  expect(screen.getByRole('button', { name: 'Read older ones' })).toBeDefined();
});

test('only those of an origin are asked for', async () => {
  signedIn('operator');
  const { asked } = show('/changes?via=file', { 'GET /api/v1/changes?limit=50&via=file': second });
  expect(await screen.findByText('VirtualService details changed')).toBeDefined();
  expect(asked).not.toContain('GET /api/v1/changes?limit=50');
});

test('changes of other namespaces are not listed; a viewer takes nothing back', async () => {
  signedIn('viewer');
  const elsewhere = change('9', 'accounts', {
    entries: [{ op: 'change', ref: { group: 'networking.istio.io', kind: 'Sidecar', namespace: 'bank', name: 'x' } }],
  });
  show('/changes?ns=shop', { 'GET /api/v1/changes?limit=50': { items: [elsewhere, change('4', 'reviews')] } });
  expect(await screen.findByText('VirtualService reviews changed')).toBeDefined();
  expect(rows()).toHaveLength(1);
  expect(screen.queryByRole('button', { name: /^Undo/ })).toBeNull();
});

test('objects of one name in two namespaces are two', async () => {
  signedIn('viewer');
  const of = (namespace: string) => ({
    op: 'change',
    ref: { group: 'networking.istio.io', kind: 'VirtualService', namespace, name: 'reviews' },
  });
  show('/changes', {
    'GET /api/v1/changes?limit=50': { items: [change('4', 'reviews', { entries: [of('shop'), of('bank')] })] },
  });
  expect(await screen.findByTitle('VirtualService shop/reviews')).toBeDefined();
  expect(screen.getByTitle('VirtualService bank/reviews')).toBeDefined();
});

test('what is undone in part says so by its name, and what stays beside it', async () => {
  signedIn('operator');
  show('/changes', {
    'GET /api/v1/changes?limit=50': {
      items: [change('4', 'reviews', { stays: [{ kind: 'Secret', namespace: 'shop', name: 'stars' }] })],
    },
  });
  const button = await screen.findByRole('button', { name: 'Undo the rest' });
  const note = document.getElementById(button.getAttribute('aria-describedby') ?? '');
  expect(note?.textContent).toContain('Secret shop/stars stays as it is');
});
