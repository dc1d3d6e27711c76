import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import type { PreviewEntry } from '../../api/generated/types.gen';
import { fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { PreviewDrawer } from './preview-drawer';

const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' };
const entries: PreviewEntry[] = [{ ref, etag: 'e1', yaml: 'weight: 85\n' }];
const preview = {
  blocked: false,
  refused: false,
  written: [{ ref, before: 'weight: 70\n', after: 'weight: 85\n' }],
  findings: {
    added: [{ code: 'HDL9998', message: 'still fails', severity: 'warning', phase: 'x', ref }],
    gone: [{ code: 'HDL9999', message: 'was wrong', severity: 'warning', phase: 'x', ref }],
    kept: 2,
  },
  groups: [
    {
      id: 'g1',
      bytes: 343,
      resources: { added: 0, changed: 1, removed: 0, unchanged: 4 },
      types: [{ type: 'rds', added: 0, changed: 1, removed: 0 }],
      proxies: [
        {
          id: 'productpage-v1-x',
          uid: '1',
          namespace: 'bookinfo',
          workload: 'productpage-v1',
          rps: 48,
          refusing: false,
        },
        { id: 'forecast-v2-y', uid: '2', namespace: 'weather', workload: 'forecast-v2', rps: 0, refusing: true },
        { id: 'details-v1-z', uid: '3', namespace: 'bookinfo', workload: 'details-v1', rps: 0, refusing: false },
      ],
    },
  ],
  settings: [],
  requests: { rps: 48, callers: [] },
};

function show(answers: Record<string, unknown>, given = entries) {
  const asked = fakeApi({ 'POST /api/v1/preview': preview, ...answers });
  const onApplied = vi.fn();
  const onClose = vi.fn();
  const page = renderPage(() => <PreviewDrawer entries={given} onApplied={onApplied} onClose={onClose} />, {
    path: '/',
  });
  return { asked, onApplied, onClose, ...page };
}

afterEach(() => vi.unstubAllGlobals());

test('says what is written, found and told, and writes on Apply', async () => {
  signedIn('operator');
  const change = { id: '7' };
  const { onApplied, asked } = show({ 'PUT /api/v1/changes': { change, findings: [] } });
  expect(await screen.findByText('weight: 85')).toBeDefined();
  expect(screen.getByText('1 goes away, 1 is new, 2 stay')).toBeDefined();
  expect(screen.getByText(/3 proxies, up to|3 proxies, 1 resource each/)).toBeDefined();
  expect(screen.getByText('last push was rejected')).toBeDefined();
  expect(screen.getByText('1 more')).toBeDefined();
  await userEvent.click(screen.getByRole('button', { name: 'Apply' }));
  await waitFor(() => expect(onApplied).toHaveBeenCalledWith(change));
  expect(asked.filter((call) => call.startsWith('PUT'))).toHaveLength(1);
});

test('shows what Envoy gets of a group', async () => {
  signedIn('viewer');
  const { asked } = show({
    'POST /api/v1/preview/envoy': {
      resources: [
        { type: 'rds', name: '9080', op: 'change', from: null, diff: '@@ -1 +1 @@\n weights:\n-  70\n+  85\n' },
      ],
    },
  });
  const open = await screen.findByRole('button', { name: 'Envoy diff' });
  expect(screen.queryByRole('button', { name: 'Apply' })).toBeNull();
  expect(screen.getByText(/You may look, not change/)).toBeDefined();
  await userEvent.click(open);
  expect(await screen.findByText('RDS 9080')).toBeDefined();
  expect(asked.at(-1)).toContain('/preview/envoy');
});

test('a new error can be saved anyway, knowingly', async () => {
  signedIn('operator');
  const bodies: unknown[] = [];
  const { onApplied } = show({
    'POST /api/v1/preview': { ...preview, blocked: true },
    'PUT /api/v1/changes': (body: unknown) => {
      bodies.push(body);
      return { findings: [] };
    },
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Save anyway' }));
  await waitFor(() => expect(onApplied).toHaveBeenCalled());
  expect(bodies).toEqual([{ entries, force: true }]);
});

test('what is no valid object cannot be saved', async () => {
  signedIn('operator');
  show({ 'POST /api/v1/preview': { ...preview, blocked: true, refused: true } });
  const apply = (await screen.findByRole('button', { name: 'Apply' })) as HTMLButtonElement;
  expect(await screen.findByText(/cannot be read as a valid object/)).toBeDefined();
  expect(apply.disabled).toBe(true);
});

test('a conflict is solved block by block, and goes on with the merged text', async () => {
  signedIn('operator');
  const previews: { entries: PreviewEntry[] }[] = [];
  const conflict = {
    ref,
    etag: 'e2',
    base: 'weight: 70\n',
    theirs: 'weight: 50\n',
    mine: 'weight: 85\n',
    theirsBy: { actor: 'mira', at: '2026-01-01T10:00:00Z', change: '6' },
    hunks: [{ kind: 'conflict', base: 'weight: 70\n', theirs: 'weight: 50\n', mine: 'weight: 85\n' }],
  };
  show({
    'POST /api/v1/preview': (body: unknown) => {
      previews.push(body as { entries: PreviewEntry[] });
      return preview;
    },
    'PUT /api/v1/changes': new Refusal(412, { title: 'changed', conflicts: [conflict] }),
  });
  const apply = (await screen.findByRole('button', { name: 'Apply' })) as HTMLButtonElement;
  await waitFor(() => expect(apply.disabled).toBe(false));
  await userEvent.click(apply);
  expect(await screen.findByText(/mira changed VirtualService reviews/)).toBeDefined();
  const use = screen.getByRole('button', { name: 'Go on with the merged text' }) as HTMLButtonElement;
  expect(use.disabled).toBe(true);
  await userEvent.click(screen.getByRole('button', { name: 'Theirs' }));
  await userEvent.click(use);
  await waitFor(() => expect(previews.at(-1)?.entries).toEqual([{ ref, etag: 'e2', yaml: 'weight: 50\n' }]));
});

test('other kinds are an administrator’s', async () => {
  signedIn('operator');
  show({}, [{ ref: { group: 'networking.istio.io', kind: 'Gateway', namespace: 'bookinfo', name: 'g' }, yaml: 'x' }]);
  expect(await screen.findByText(/Ask an administrator for the role admin/)).toBeDefined();
});
