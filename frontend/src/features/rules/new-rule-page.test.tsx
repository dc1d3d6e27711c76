import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { NewRulePage } from './new-rule-page';

const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'default', name: 'example' };
const effect = {
  written: [],
  findings: { added: [], gone: [], kept: 0 },
  blocked: false,
  refused: false,
  groups: [],
  settings: [],
  requests: null,
};

beforeEach(() => {
  sessionStorage.clear();
  signedIn('operator');
});
afterEach(() => vi.unstubAllGlobals());

test('who makes an object is led to the change, where it arrives and can be taken back', async () => {
  fakeApi({
    'POST /api/v1/check': {
      findings: [],
      documents: [{ file: 'VirtualService', line: 1, ref, state: 'new' }],
      cannotTell: [],
    },
    'GET /api/v1/schemas/VirtualService': { properties: {} },
    'POST /api/v1/preview': effect,
    'PUT /api/v1/changes': { change: { id: '8' }, findings: [] },
  });
  const live = fakeLive();
  const page = renderPage(NewRulePage, { path: '/rules/new', at: '/rules/new?of=VirtualService' });
  await live.tell('objects', {});
  const button = (name: string) => screen.findByRole<HTMLButtonElement>('button', { name });
  await waitFor(async () => expect((await button('Preview and create')).disabled).toBe(false));
  await userEvent.click(await button('Preview and create'));
  await waitFor(async () => expect((await button('Apply')).disabled).toBe(false));
  await userEvent.click(await button('Apply'));
  await waitFor(() => expect(page.address()).toBe('/changes/8'));
  expect(sessionStorage.length).toBe(0);
});
