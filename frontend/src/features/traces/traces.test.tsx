import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { csvText } from '../../lib/csv';
import { fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { csvColumns } from './model/csv-columns';
import { TracePage } from './trace-page';
import { TracesPage } from './traces-page';

const span = (id: string, parent: string, kind: string, service: string, ms: number, status = '200') => ({
  id,
  parent,
  kind,
  service: `${service}.shop`,
  operation: `${service}.shop.svc.cluster.local:80/*`,
  start: '2026-11-21T10:00:00.000Z',
  durationNanos: ms * 1e6,
  error: status === '503',
  attributes: [
    { key: 'http.status_code', value: status },
    { key: 'response_flags', value: status === '503' ? 'UC' : '-' },
    { key: 'node_id', value: `sidecar~10.0.0.1~${service}-v1-7c9d5-x2kfn.shop~shop.svc.cluster.local` },
  ],
});
const trace = (id: string, errors = 0) => ({
  id,
  start: '2026-11-21T10:00:00.104Z',
  durationNanos: 1e9,
  services: ['web.shop', 'ratings.shop'],
  errors,
  spanCount: 3,
  spans: [
    span('a', '', 'server', 'web', 1000),
    span('b', 'a', 'client', 'web', 820, errors ? '503' : '200'),
    span('c', 'b', 'server', 'ratings', 800, errors ? '503' : '200'),
  ],
});

beforeEach(() => {
  signedIn('viewer');
});
afterEach(() => vi.unstubAllGlobals());

test('search by service, duration and errors; the address says which', async () => {
  const asked = fakeApi({
    'GET /api/v1/traces/services': ['ratings.shop', 'web.shop'],
    'GET /api/v1/traces': [trace('t1'), trace('t2', 1)],
  });
  const page = renderPage(TracesPage, { path: '/traces', at: '/traces?min=500' });
  await screen.findByText('2 traces');
  screen.getByText('1 with errors');
  screen.getByRole('img', { name: /Duration over time of 2 traces/ });
  const links = screen.getAllByRole('link');
  expect(links.map((l) => l.getAttribute('href'))).toEqual(['/traces/t1', '/traces/t2']);
  await userEvent.click(screen.getByRole('button', { name: 'Service: Any service' }));
  const services = within(await screen.findByRole('menu', { name: 'Service' }));
  expect(services.getAllByRole('menuitem')).toHaveLength(3);
  await userEvent.click(services.getByText('web.shop'));
  await waitFor(() => expect(page.address()).toContain('service=web.shop'));
  await userEvent.click(screen.getByText('ratings.shop'));
  await waitFor(() => expect(page.address()).toContain('service=ratings.shop,web.shop'));
  await userEvent.click(screen.getByText('ratings.shop'));
  await waitFor(() => expect(page.address()).not.toContain('ratings'));
  await userEvent.click(screen.getByRole('button', { name: 'Service: web.shop' }));
  await userEvent.click(screen.getByRole('button', { name: 'Errors: With and without errors' }));
  await userEvent.click(await screen.findByRole('option', { name: 'Only with errors' }));
  await waitFor(() => expect(asked.at(-1)).toMatch(/service=web\.shop&minDuration=500ms&error=true/));
});

test('an address may name several services', async () => {
  const asked = fakeApi({ 'GET /api/v1/traces/services': ['web.shop'], 'GET /api/v1/traces': [trace('t1')] });
  renderPage(TracesPage, { path: '/traces', at: '/traces?service=gone.shop,web.shop' });
  await screen.findByRole('button', { name: 'Service: gone.shop, web.shop' });
  expect(asked.some((call) => call.includes('service=gone.shop%2Cweb.shop'))).toBe(true);
});

test('only traces of the chosen namespaces are asked for, and only their services can be chosen', async () => {
  const names = ['web.shop', 'ratings.shop', 'ledger.bank', 'hall.games'];
  const asked = fakeApi({ 'GET /api/v1/traces/services': names, 'GET /api/v1/traces': [trace('t1')] });
  renderPage(TracesPage, { path: '/traces', at: '/traces?ns=shop,bank' });
  await screen.findByText('1 trace');
  const calls = asked.filter((call) => call.startsWith('GET /api/v1/traces?'));
  expect(calls).toHaveLength(1);
  expect(calls[0]).toContain('service=web.shop%2Cratings.shop%2Cledger.bank');
  await userEvent.click(screen.getByRole('button', { name: 'Service: Any service' }));
  const services = within(await screen.findByRole('menu', { name: 'Service' }));
  expect(services.queryByText('hall.games')).toBeNull();
});

test('of more services than can be asked for, all traces are read and others left out', async () => {
  const names = Array.from({ length: 21 }, (_, i) => `s${i}.shop`);
  const far = { ...trace('t9'), services: ['hall.games'] };
  const asked = fakeApi({
    'GET /api/v1/traces/services': [...names, 'hall.games'],
    'GET /api/v1/traces': [{ ...trace('t1'), services: ['s3.shop', 'hall.games'] }, far],
  });
  renderPage(TracesPage, { path: '/traces', at: '/traces?ns=shop' });
  await screen.findByText('1 trace');
  expect(asked.some((call) => call.includes('service='))).toBe(false);
  expect(screen.getAllByRole('link').map((l) => l.getAttribute('href'))).toEqual(['/traces/t1']);
});

test('nothing found, and traces that cannot be read', async () => {
  fakeApi({ 'GET /api/v1/traces': [] });
  renderPage(TracesPage, { path: '/traces' });
  await screen.findByText('No trace in this time');
  fakeApi({ 'GET /api/v1/traces': new Refusal(422, { detail: 'traces cannot be read: connection refused' }) });
  renderPage(TracesPage, { path: '/traces', at: '/traces?errors=only' });
  await screen.findByText('traces cannot be read: connection refused');
});

test('one trace: the sentence first, the failed call chosen, ways to service and rules', async () => {
  fakeApi({ 'GET /api/v1/traces/t2': trace('t2', 1) });
  const page = renderPage(TracePage, { path: '/traces/$id', at: '/traces/t2' });
  await screen.findByText(/of the time went into/);
  screen.getByText(/failed once: 503, UC: ratings-v1 closed the connection/);
  const list = within(screen.getByRole('list', { name: 'Calls' }));
  expect(list.getAllByRole('button').map((b) => b.getAttribute('aria-pressed'))).toEqual(['false', 'true']);
  expect(screen.getByRole('link', { name: 'Rules that act' }).getAttribute('href')).toBe(
    '/services/shop/ratings?tab=rules',
  );
  list.getAllByRole('button')[1]?.focus();
  await userEvent.keyboard('{ArrowUp}');
  await waitFor(() => expect(page.address()).toContain('span=a'));
  expect(screen.getByRole('link', { name: 'Open service' }).getAttribute('href')).toBe('/services/shop/web');
});

test('a trace that is not there', async () => {
  fakeApi({ 'GET /api/v1/traces/t9': new Refusal(404, { title: 'no trace' }) });
  renderPage(TracePage, { path: '/traces/$id', at: '/traces/t9' });
  await screen.findByText('This trace is not there');
});

test('as CSV: one line for each trace', async () => {
  expect(csvText(csvColumns, [trace('t2', 1)])).toBe(
    'trace,start,operation,services,spans,errors,durationMilliseconds\r\n' +
      't2,2026-11-21T10:00:00.104Z,web.shop.svc.cluster.local:80/*,web.shop ratings.shop,3,1,1000\r\n',
  );
  fakeApi({ 'GET /api/v1/traces': [trace('t1')] });
  renderPage(TracesPage, { path: '/traces' });
  await screen.findByRole('button', { name: 'CSV' });
});
