import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { type Answers, fakeApi, renderPage, signedIn } from '../../testing/render';
import { CheckPage } from './check-page';

const ref = (kind: string, name: string) => ({ group: 'networking.istio.io', kind, namespace: 'shop', name });
const text = 'kind: VirtualService\nspec:\n  hosts: [reviws]\n---\nkind: DestinationRule\nspec: {}\n';
const from = text.indexOf('reviws');
const finding = {
  code: 'HDL2101',
  severity: 'error',
  phase: 'check',
  ref: ref('VirtualService', 'reviews'),
  message: 'No service is called reviws.',
  file: 'pasted.yaml',
  line: 3,
  column: 11,
  documentLine: 1,
  fix: [{ op: 'set', path: 'spec.hosts[0]', value: 'reviews' }],
  splices: [{ from, to: from + 6, insert: 'reviews' }],
  sameAs: ['IST0101'],
};
const check = (body: unknown) => {
  const [file] = (body as { manifests: { file: string; text: string }[] }).manifests;
  return {
    findings: file?.text.includes('reviws') ? [finding] : [],
    documents: [
      { file: file?.file, line: 1, ref: ref('VirtualService', 'reviews'), state: 'changed', etag: 'v1' },
      { file: file?.file, line: 5, ref: ref('DestinationRule', 'reviews'), state: 'new' },
    ],
    cannotTell: [],
  };
};
const api = (more: Answers = {}) => fakeApi({ 'POST /api/v1/check': check, ...more });
const button = (name: string | RegExp) => screen.findByRole<HTMLButtonElement>('button', { name });

beforeEach(() => {
  sessionStorage.clear();
  signedIn('operator');
});
afterEach(() => vi.unstubAllGlobals());

const kept = () => sessionStorage.setItem('heddle.draft.check', JSON.stringify([{ file: 'pasted.yaml', text }]));

test('what was pasted survives; findings, what they mean, their fix, the effect of some, applied', async () => {
  kept();
  const put: unknown[] = [];
  api({
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
      put.push(body);
      return { change: { id: '7', entries: [{}] }, findings: [] };
    },
  });
  fakeLive();
  const page = renderPage(CheckPage, { path: '/check' });
  await userEvent.click(await button('Next: findings'));
  await waitFor(() => expect(page.address()).toBe('/check?step=findings'));
  await screen.findByRole('heading', { name: 'VirtualService shop/reviews' });
  await screen.findByText('Other tools call it IST0101.');
  await screen.findByText('No findings');
  expect((await button('Next: effect')).disabled).toBe(false);
  await userEvent.click(await button('Fix what can be fixed (1)'));
  await screen.findByText('Nothing is wrong in this text.');
  expect(sessionStorage.getItem('heddle.draft.check')).toContain('[reviews]');
  await userEvent.click(await button('Next: effect'));
  await userEvent.click(await screen.findByRole('checkbox', { name: 'Write DestinationRule reviews' }));
  await waitFor(async () => expect((await button('Apply')).disabled).toBe(false));
  await userEvent.click(await button('Apply'));
  await screen.findByText('Written.');
  expect(put).toEqual([
    {
      entries: [
        {
          ref: ref('VirtualService', 'reviews'),
          etag: 'v1',
          yaml: 'kind: VirtualService\nspec:\n  hosts: [reviews]\n',
        },
      ],
    },
  ]);
});

test('files, and objects of the mesh', async () => {
  api({
    'GET /api/v1/config/DestinationRule/shop/ratings': {
      ref: ref('DestinationRule', 'ratings'),
      etag: '1',
      yaml: 'kind: DestinationRule\n',
      origin: { source: 'file' },
    },
  });
  const live = fakeLive();
  renderPage(CheckPage, { path: '/check' });
  await live.tell('objects', {
    a: {
      ref: ref('DestinationRule', 'ratings'),
      etag: '1',
      state: 'ok',
      findings: { error: 0, warning: 0, info: 0 },
      hosts: [],
      services: [],
      scope: 'services',
      notSupported: false,
    },
  });
  expect((await button('Next: findings')).disabled).toBe(true);
  await userEvent.click(await screen.findByRole('checkbox', { name: /ratings/ }));
  await userEvent.upload(
    screen.getByLabelText('Choose files', { selector: 'input' }),
    new File(['kind: Sidecar\n'], 'a.yaml'),
  );
  await screen.findByText('a.yaml');
  await waitFor(() => expect(sessionStorage.getItem('heddle.draft.check')).toContain('kind: Sidecar'));
  expect(sessionStorage.getItem('heddle.draft.check')).toContain('DestinationRule shop/ratings');
  await userEvent.click(await button('Remove a.yaml'));
  await waitFor(() => expect(sessionStorage.getItem('heddle.draft.check')).not.toContain('kind: Sidecar'));
});

test('a viewer sees the effect, and cannot choose what to write', async () => {
  kept();
  signedIn('viewer');
  const asked = api();
  fakeLive();
  renderPage(CheckPage, { path: '/check', at: '/check?step=effect' });
  const box = await screen.findByRole<HTMLInputElement>('checkbox', { name: 'Write VirtualService reviews' });
  expect(box.disabled).toBe(true);
  await waitFor(() => expect(asked).toContain('POST /api/v1/preview'));
  expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull();
});
