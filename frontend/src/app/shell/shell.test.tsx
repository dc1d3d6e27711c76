import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newQueryClient } from '../../api/query';
import { sessionStore } from '../../api/session-store';
import { fakeLive } from '../../testing/live';
import { fakeApi, signedIn } from '../../testing/render';
import { usePreferences } from '../preferences';
import { newRouter } from '../router';

let live: ReturnType<typeof fakeLive>;
beforeEach(() => {
  signedIn();
  const thing = (namespace: string, name: string) => ({ namespace, name });
  fakeApi({
    'GET /api/v1/services': [thing('bookinfo', 'reviews'), thing('weather', 'forecast')],
    'GET /api/v1/workloads': [{ namespace: 'bookinfo', workload: 'reviews-v1', pod: 'reviews-v1-a' }],
    'GET /api/v1/version': { version: 'v1.2.3' },
  });
  live = fakeLive();
});
afterEach(() => {
  vi.unstubAllGlobals();
  sessionStore.getState().leave();
});

const open = async (at: string) => {
  const router = newRouter();
  router.update({ history: createMemoryHistory({ initialEntries: [at] }) } as Parameters<typeof router.update>[0]);
  render(
    <QueryClientProvider client={newQueryClient()}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  await screen.findByRole('navigation', { name: 'Sections' });
  return router;
};

test('the masthead counts findings, the foot of the nav proxies', async () => {
  await open('/settings');
  await live.tell('findings', { a: { code: 'HDL1101', severity: 'error' }, b: { code: 'HDL1', severity: 'info' } });
  await screen.findByRole('link', { name: '1 open finding' });
  await live.tell('proxies', {
    p1: { settled: true, refused: null, revision: '8f31c2aaaa' },
    p2: { settled: true, refused: [{ message: 'no' }], revision: '8f31c2aaaa' },
  });
  await screen.findByText('1 of 2 proxies in sync');
  screen.getByText('8f31c2');
  screen.getByText('demo');
  expect(document.querySelector('[data-connection]')?.getAttribute('data-connection')).toBe('live');
});

test('namespaces and window stand in the address', async () => {
  const router = await open('/settings');
  await userEvent.click(await screen.findByRole('button', { name: 'Namespaces: All namespaces' }));
  await userEvent.click(await screen.findByText('bookinfo'));
  await waitFor(() => expect(router.state.location.href).toBe('/settings?ns=bookinfo'));
  await userEvent.click(screen.getByRole('button', { name: 'Time window: Last 5 min' }));
  await userEvent.click(await screen.findByRole('option', { name: 'Last hour' }));
  await waitFor(() => expect(router.state.location.href).toBe('/settings?ns=bookinfo&window=1h'));
});

test('a part that is away is said across the page', async () => {
  await open('/settings');
  await live.tell('parts', {
    prometheus: { state: 'away', code: 'unreachable', since: '2026-11-20T14:06:20Z', detail: 'connection refused' },
    config: { state: 'ok', since: '2026-11-20T14:00:00Z' },
  });
  await screen.findByText(/Prometheus does not answer since \d\d:06:20\./);
  screen.getByText(/Rules, proxies and findings are live\./);
  screen.getByText('connection refused');
});

test('the palette opens by Ctrl-K and goes to a page', async () => {
  const router = await open('/nowhere');
  screen.getByText('There is no such page');
  await userEvent.keyboard('{Control>}k{/Control}');
  const dialog = await screen.findByRole('dialog', { name: 'Jump to' });
  await userEvent.type(await within(dialog).findByRole('combobox'), 'settin{Enter}');
  await waitFor(() => expect(router.state.location.pathname).toBe('/settings'));
  await screen.findByRole('heading', { name: 'Settings' });
  expect(document.title).toBe('Settings · Heddle');
});

test('the palette does what is no page, and the tab says what is looked at', async () => {
  await open('/changes/7');
  await waitFor(() => expect(document.title).toBe('7 · Change · Heddle'));
  await userEvent.keyboard('{Control>}k{/Control}');
  const dialog = await screen.findByRole('dialog', { name: 'Jump to' });
  await userEvent.type(await within(dialog).findByRole('combobox'), 'switch to dark{Enter}');
  await waitFor(() => expect(usePreferences.getState().theme).toBe('dark'));
});
