import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { renderPage, signedIn } from '../../testing/render';
import { FindingsPage } from './findings-page';

const finding = (severity: string, code: string, name: string, more: object = {}) => ({
  code,
  severity,
  phase: 'check',
  message: `Something about ${name}.`,
  ref: { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name },
  file: '/etc/mesh/rules.yaml',
  line: 12,
  ...more,
});

beforeEach(() => {
  signedIn('viewer');
});
afterEach(() => vi.unstubAllGlobals());

test('errors come first, each leading to its line', async () => {
  const live = fakeLive();
  renderPage(FindingsPage, { path: '/findings' });
  await live.tell('findings', {
    a: finding('info', 'X1', 'cart'),
    b: finding('error', 'X2', 'reviews', { path: 'spec.http[0]' }),
  });
  screen.getByText('1 error');
  screen.getByText('1 note');
  const links = screen.getAllByRole('link');
  expect(links.map((l) => l.textContent)).toEqual(['reviews', 'cart']);
  expect(links[0]?.getAttribute('href')).toBe('/rules/VirtualService/shop/reviews?at=spec.http[0]');
});

test('a finding is explained, and the address says which', async () => {
  const live = fakeLive();
  const page = renderPage(FindingsPage, { path: '/findings' });
  await live.tell('findings', { a: finding('warning', 'HDL1101', 'reviews') });
  await userEvent.click(screen.getByRole('button', { name: /reviews/, expanded: false }));
  await screen.findByText(/Rules are tried in their order/);
  screen.getByText(/Delete the rule/);
  expect(page.address()).toContain('open=a');
  await userEvent.click(screen.getByRole('button', { name: /reviews/, expanded: true }));
  await waitFor(() => expect(page.address()).toBe('/findings'));
});

test('nothing matches; all are shown again', async () => {
  const live = fakeLive();
  const page = renderPage(FindingsPage, { path: '/findings', at: '/findings?severity=error' });
  await live.tell('findings', { a: finding('warning', 'HDL1101', 'reviews') });
  await userEvent.click(screen.getByRole('button', { name: 'Show all findings' }));
  await waitFor(() => expect(page.address()).toBe('/findings'));
  await screen.findByText('1 warning');
});

test('nothing is wrong', async () => {
  const live = fakeLive();
  renderPage(FindingsPage, { path: '/findings' });
  await live.tell('findings', {});
  screen.getByRole('heading', { name: 'Nothing is wrong' });
});

test('findings that cannot be read say so', async () => {
  const live = fakeLive();
  renderPage(FindingsPage, { path: '/findings' });
  await live.refuse('findings', 'failed', 'the snapshot is gone');
  screen.getByText('Findings cannot be read');
  screen.getByText('the snapshot is gone');
});
