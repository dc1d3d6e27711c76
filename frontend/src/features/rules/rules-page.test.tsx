import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { renderPage, signedIn } from '../../testing/render';
import { RulesPage } from './rules-page';

const object = (kind: string, name: string, state = 'ok') => ({
  ref: { group: 'networking.istio.io', kind, namespace: 'shop', name },
  etag: '1',
  state,
  findings: { error: state === 'error' ? 2 : 0, warning: 0, info: 0 },
  hosts: [name],
  services: [`shop/${name}`],
  scope: 'services',
  notSupported: false,
});

beforeEach(() => {
  signedIn('viewer');
});
afterEach(() => vi.unstubAllGlobals());

const names = () => screen.getAllByRole('link').map((l) => l.textContent);

test('the worst stands first; filter and sort are in the address', async () => {
  const live = fakeLive();
  const page = renderPage(RulesPage, { path: '/rules' });
  await live.tell('objects', {
    a: object('VirtualService', 'reviews'),
    b: object('VirtualService', 'ratings', 'error'),
    c: object('DestinationRule', 'details'),
  });
  expect(names()).toEqual(['ratings', 'details', 'reviews']);
  screen.getByText('3 objects');
  screen.getByText('1 with errors');
  await userEvent.click(screen.getByRole('button', { name: 'Object' }));
  await waitFor(() => expect(page.address()).toContain('sort=object'));
  await userEvent.type(screen.getByRole('textbox', { name: 'Find objects' }), 'kind:dest');
  await waitFor(() => expect(page.address()).toContain('q=kind'));
  await waitFor(() => expect(names()).toEqual(['details']));
});

test('nothing matches', async () => {
  const live = fakeLive();
  const page = renderPage(RulesPage, { path: '/rules', at: '/rules?q=nothing' });
  await live.tell('objects', { a: object('VirtualService', 'reviews') });
  await userEvent.click(screen.getByRole('button', { name: 'Show all objects' }));
  await waitFor(() => expect(page.address()).toBe('/rules'));
  await waitFor(() => expect(names()).toEqual(['reviews']));
});

test('no rules at all', async () => {
  const live = fakeLive();
  renderPage(RulesPage, { path: '/rules' });
  await live.tell('objects', {});
  screen.getByRole('heading', { name: 'There are no traffic rules yet' });
});
