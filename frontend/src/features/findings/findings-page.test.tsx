import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
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
  fakeApi({ 'POST /api/v1/fixes': { fixes: [] } });
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

const rule = { group: 'networking.istio.io', kind: 'DestinationRule', namespace: 'shop', name: 'reviews' };
const ways = {
  fixes: [
    { does: 'addSubsets', params: { subsets: 'v3' }, ref: rule, entry: { ref: rule, etag: 'r1', yaml: 'kind: x\n' } },
  ],
};

test('a fix is seen before it is written, and followed then', async () => {
  signedIn('operator');
  const bodies: unknown[] = [];
  fakeApi({
    'POST /api/v1/fixes': (body: unknown) => {
      bodies.push(body);
      return ways;
    },
    'POST /api/v1/preview': {
      written: [],
      findings: { added: [], gone: [], kept: 0 },
      blocked: false,
      refused: false,
      groups: [],
      settings: [],
      requests: { rps: 0, callers: [] },
    },
    'PUT /api/v1/changes': (body: unknown) => {
      bodies.push(body);
      return { change: { id: '9', entries: [] }, findings: [] };
    },
  });
  const live = fakeLive();
  const page = renderPage(FindingsPage, { path: '/findings' });
  await live.tell('findings', { a: finding('error', 'HDL2104', 'reviews', { path: 'spec.http[0]' }) });
  await userEvent.click(screen.getByRole('button', { name: /reviews/, expanded: false }));
  await userEvent.click(await screen.findByRole('button', { name: 'Add v3 to DestinationRule shop/reviews' }));
  const apply = await screen.findByRole<HTMLButtonElement>('button', { name: 'Apply' });
  await waitFor(() => expect(apply.disabled).toBe(false));
  await userEvent.click(apply);
  await waitFor(() => expect(page.address()).toBe('/changes/9'));
  const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name: 'reviews' };
  expect(bodies).toEqual([
    { code: 'HDL2104', ref, path: 'spec.http[0]' },
    { entries: [{ ref: rule, etag: 'r1', yaml: 'kind: x\n' }] },
  ]);
});

test('a viewer is offered no fix', async () => {
  const asked = fakeApi({ 'POST /api/v1/fixes': ways });
  const live = fakeLive();
  renderPage(FindingsPage, { path: '/findings' });
  await live.tell('findings', { a: finding('error', 'HDL2104', 'reviews') });
  await userEvent.click(screen.getByRole('button', { name: /reviews/, expanded: false }));
  await waitFor(() => expect(asked).toContain('POST /api/v1/fixes'));
  await screen.findByRole('link', { name: 'Open the line' });
  expect(screen.queryByRole('button', { name: /Add v3/ })).toBeNull();
});
