import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { ProxiesPage } from './proxies-page';
import { ProxyPage } from './proxy-page';

const typed = (name: string) => ({
  type: `type.googleapis.com/envoy.x.v3.${name}`,
  subscribed: 0,
  held: 3,
  sent: { responses: 1, resources: 3, removed: 0, bytes: 1000 },
  acked: { count: 1, version: '8f31c2aa', at: '2026-11-21T10:00:00Z' },
  rejected: { count: 0 },
});
const proxy = (pod: string, refused: object[] | null = null) => ({
  uid: `uid-${pod}`,
  id: `${pod}.shop`,
  namespace: 'shop',
  pod,
  workload: pod.slice(0, -2),
  role: 'sidecar',
  ready: true,
  rps: 4.2,
  connected: '2026-11-21T10:00:00Z',
  streams: 1,
  settled: true,
  stale: false,
  refused,
  revision: '8f31c2aa',
  types: [typed('Listener'), typed('VirtualHost')],
});
const words = 'Only unique values for domains are permitted. Duplicate entry of domain a.shop';
const refusal = {
  type: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
  resource: '9080/a.shop',
  message: words,
  refs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', namespace: 'shop', name: 'alias' }],
  at: '2026-11-21T10:00:00Z',
};
const routes = {
  configs: [
    {
      version_info: 'abcdef1',
      route_config: {
        name: '9080',
        virtual_hosts: ['reviews', 'ratings'].map((name) => ({
          name,
          domains: [`${name}.shop.svc.cluster.local`],
          routes: [{ match: { prefix: '/' }, route: { cluster: `outbound|9080||${name}.shop.svc.cluster.local` } }],
        })),
      },
    },
  ],
};

beforeEach(() => {
  signedIn('viewer');
});
afterEach(() => vi.unstubAllGlobals());

test('a rejection stands in a second line, with the object that caused it', async () => {
  const live = fakeLive();
  const page = renderPage(ProxiesPage, { path: '/proxies' });
  await live.tell('proxies', {
    a: { ...proxy('cart-1'), version: '1.40.0', node: 'node-1', certificateEnds: '2000-01-01T00:00:00Z' },
    b: { ...proxy('reviews-2', [refusal]), version: '1.38.3', node: 'node-2' },
  });
  await screen.findByText('2 connected');
  screen.getByText('behind');
  screen.getByText('node-2');
  screen.getByText('expired');
  screen.getByText('revision 8f31c2');
  screen.getByText('1 rejected');
  screen.getByText(words);
  expect(screen.getByRole('link', { name: 'ServiceEntry shop/alias' }).getAttribute('href')).toBe(
    '/rules/ServiceEntry/shop/alias',
  );
  screen.getByRole('img', { name: 'Virtual hosts rejected' });
  screen.getAllByRole('img', { name: 'Listeners in sync' });
  await userEvent.type(screen.getByRole('textbox', { name: 'Find proxies' }), 'workload:cart');
  await waitFor(() => expect(page.address()).toContain('q=workload'));
  await waitFor(() => expect(screen.queryByText(words)).toBeNull());
  await userEvent.click(screen.getByRole('button', { name: 'Sent' }));
  await waitFor(() => expect(page.address()).toContain('sort=-sent'));
});

test('versions of Envoy are sorted as numbers', async () => {
  const live = fakeLive();
  renderPage(ProxiesPage, { path: '/proxies', at: '/proxies?sort=envoy' });
  const versions = { a: '1.40.0', b: '1.9.2', c: '1.10.0' };
  await live.tell(
    'proxies',
    Object.fromEntries(Object.entries(versions).map(([k, version]) => [k, { ...proxy(`${k}-1`), version }])),
  );
  await screen.findByText('3 connected');
  expect(screen.getAllByRole('link', { name: /-1$/ }).map((l) => l.textContent)).toEqual(['b-1', 'c-1', 'a-1']);
});

test('no proxy, and none that matches', async () => {
  const live = fakeLive();
  renderPage(ProxiesPage, { path: '/proxies', at: '/proxies?state=rejected' });
  await live.tell('proxies', {});
  await screen.findByText('No proxy is connected yet');
  await live.tell('proxies', { a: proxy('cart-1') });
  await userEvent.click(await screen.findByRole('button', { name: 'Show all proxies' }));
  await screen.findByRole('link', { name: 'cart-1' });
});

const at = { path: '/proxies/$proxy', at: '/proxies/reviews-2.shop?tab=routes' };

test('one proxy: what it rejected, and what it holds', async () => {
  const live = fakeLive();
  fakeApi({
    'GET /api/v1/proxies/uid-reviews-2/config/routes': routes,
    'GET /api/v1/proxies/uid-reviews-2/config/clusters': new Refusal(502, { detail: 'the proxy does not answer' }),
    'GET /api/v1/proxies/uid-reviews-2/log-level': { level: 'warning' },
  });
  const page = renderPage(ProxyPage, at);
  await live.tell('proxies', { b: { ...proxy('reviews-2', [refusal]), version: '1.40.0', node: 'node-2' } });
  await screen.findByText(words);
  screen.getByText('Envoy 1.40.0');
  screen.getByText('node-2');
  const log = screen.getByRole('link', { name: 'Log of the proxy' }).getAttribute('href');
  expect(log).toMatch(/^\/workloads\/shop\/.*tab=pods&pod=reviews-2&container=proxy$/);
  expect(screen.getByRole('link', { name: 'Fix it' }).getAttribute('href')).toBe('/rules/ServiceEntry/shop/alias');
  const table = await screen.findByRole('grid', { name: 'Routes' });
  expect(
    within(table)
      .getAllByRole('link')
      .map((l) => l.getAttribute('href')),
  ).toEqual(['/services/shop/reviews', '/services/shop/ratings']);
  // A viewer sees the level and cannot change it.
  await screen.findByText('Log level: warning');
  expect(screen.queryByRole('button', { name: /Log level/ })).toBeNull();
  await userEvent.click(screen.getByRole('tab', { name: 'Clusters' }));
  await screen.findByText('the proxy does not answer');
  expect(page.address()).toContain('tab=clusters');
});

test('a proxy that hangs says so, and since when', async () => {
  const live = fakeLive();
  fakeApi({
    'GET /api/v1/proxies/uid-reviews-2/config/routes': new Refusal(502, { detail: 'the proxy does not answer' }),
    'GET /api/v1/proxies/uid-reviews-2/log-level': { level: 'warning' },
  });
  renderPage(ProxyPage, at);
  const hung = { ...typed('VirtualHost'), pendingSince: '2026-11-21T10:00:12Z' };
  await live.tell('proxies', { b: { ...proxy('reviews-2'), settled: false, types: [typed('Listener'), hung] } });
  await screen.findByText(/^No answer since \d\d:00:12, for /);
  screen.getByText('It goes on with what it had.');
  screen.getByRole('img', { name: 'Virtual hosts waiting' });
  // Its stream was given up; the agent has one of its own.
  await live.tell('proxies', { b: { ...proxy('reviews-2'), settled: false, types: [typed('Secret')] } });
  await screen.findByText(/only the agent beside it is connected/);
  screen.getByText('It goes on with what it had.');
  // A new one has asked for nothing yet.
  await live.tell('proxies', { b: { ...proxy('reviews-2'), settled: false, types: [] } });
  await screen.findByText('It has not acknowledged everything yet.');
  expect(screen.queryByText('It goes on with what it had.')).toBeNull();
});

test('an administrator changes the log level', async () => {
  signedIn('admin');
  const live = fakeLive();
  let level = 'warning';
  fakeApi({
    'GET /api/v1/proxies/uid-reviews-2/config/routes': routes,
    'GET /api/v1/proxies/uid-reviews-2/log-level': { level },
    'PUT /api/v1/proxies/uid-reviews-2/log-level': (body: unknown) => {
      level = (body as { level: string }).level;
      return { level };
    },
  });
  renderPage(ProxyPage, at);
  await live.tell('proxies', { b: proxy('reviews-2') });
  await userEvent.click(await screen.findByRole('button', { name: 'Log level: warning' }));
  await userEvent.click(await screen.findByRole('option', { name: 'debug' }));
  await screen.findByRole('button', { name: 'Log level: debug' });
  expect(level).toBe('debug');
});

test('a proxy that has gone', async () => {
  const live = fakeLive();
  renderPage(ProxyPage, at);
  await live.tell('proxies', { a: proxy('cart-1') });
  await screen.findByText('reviews-2.shop is not connected');
});
