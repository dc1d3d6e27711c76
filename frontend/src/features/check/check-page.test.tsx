import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { type Answers, fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
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
const forbidden = { status: 403, code: 'forbidden', title: 'not allowed', detail: 'trying out Deployment shop/a' };
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

const rule = ref('DestinationRule', 'ratings');
const subsetFix = { does: 'addSubsets', params: { subsets: 'v3' }, ref: rule };
const answer = (more: object) => ({
  findings: [{ ...finding, code: 'HDL2104', fix: null, splices: [], ...more }],
  documents: [{ file: 'pasted.yaml', line: 1, ref: ref('VirtualService', 'reviews'), state: 'changed', etag: 'v1' }],
  cannotTell: [],
});
const aside = () => screen.findByRole('region', { name: 'About the finding' });

test('a fix in an object of the mesh joins the texts, and its effect is shown with theirs', async () => {
  kept();
  const previewed: unknown[] = [];
  const yaml = 'kind: DestinationRule\nspec: {subsets: [{name: v3}]}\n';
  api({
    'POST /api/v1/check': (body: unknown) => {
      const files = (body as { manifests: { file: string }[] }).manifests;
      const first = answer({ elsewhere: [subsetFix] });
      return files.length === 1
        ? first
        : {
            ...first,
            findings: [],
            documents: [...first.documents, { file: files[1]?.file, line: 1, ref: rule, state: 'changed', etag: 'r1' }],
          };
    },
    'POST /api/v1/fixes': { fixes: [{ ...subsetFix, entry: { ref: rule, etag: 'r1', yaml } }] },
    'POST /api/v1/preview': (body: unknown) => {
      previewed.push(...(body as { entries: unknown[] }).entries);
      return {
        written: [],
        findings: { added: [], gone: [], kept: 0 },
        blocked: false,
        refused: false,
        groups: [],
        settings: [],
        requests: { rps: 0, callers: [] },
      };
    },
  });
  fakeLive();
  const page = renderPage(CheckPage, { path: '/check', at: '/check?step=findings' });
  await within(await aside()).findByText(/You see both before anything is written/);
  await userEvent.click(
    await within(await aside()).findByRole('button', { name: 'Add v3 to DestinationRule shop/ratings' }),
  );
  await waitFor(() => expect(page.address()).toBe('/check?step=effect'));
  await screen.findByRole('checkbox', { name: 'Write DestinationRule ratings' });
  await waitFor(() => expect(previewed).toHaveLength(2));
  expect(previewed[1]).toEqual({ ref: rule, etag: 'r1', yaml });
  expect(sessionStorage.getItem('heddle.draft.check')).toContain('DestinationRule shop/ratings');
});

test('a fix in another of the texts is made there, also with all others', async () => {
  kept();
  const insert = '# v3\n';
  api({
    'POST /api/v1/check': (body: unknown) =>
      (body as { manifests: { text: string }[] }).manifests[0]?.text.includes(insert)
        ? { findings: [], documents: [], cannotTell: [] }
        : answer({
            elsewhere: [
              { ...subsetFix, file: 'pasted.yaml', splices: [{ from: text.length, to: text.length, insert }] },
            ],
          }),
  });
  fakeLive();
  renderPage(CheckPage, { path: '/check', at: '/check?step=findings' });
  await button('Fix what can be fixed (1)');
  await userEvent.click(
    await within(await aside()).findByRole('button', { name: 'Add v3 to DestinationRule shop/ratings' }),
  );
  await screen.findByText('Nothing is wrong in this text.');
  expect(JSON.parse(sessionStorage.getItem('heddle.draft.check') ?? '')[0].text).toBe(text + insert);
});

test('what nobody looked for yet is looked for when it is looked at', async () => {
  kept();
  const asked = api({
    'POST /api/v1/check': answer({ unsought: true }),
    'POST /api/v1/fixes': {
      fixes: [{ does: 'edit', ref: finding.ref, edits: finding.fix, file: 'pasted.yaml', splices: finding.splices }],
    },
  });
  fakeLive();
  renderPage(CheckPage, { path: '/check', at: '/check?step=findings' });
  await userEvent.click(await within(await aside()).findByRole('button', { name: 'Apply fix' }));
  await waitFor(() => expect(sessionStorage.getItem('heddle.draft.check')).toContain('[reviews]'));
  expect(asked.filter((a) => a === 'POST /api/v1/fixes').length).toBeGreaterThan(0);
});

test('what only the owner may try out is checked without the mesh, and that is said', async () => {
  kept();
  const live: boolean[] = [];
  const sought: boolean[] = [];
  api({
    'POST /api/v1/check': (body: unknown) => {
      live.push((body as { live: boolean }).live);
      return live.at(-1) ? new Refusal(403, forbidden) : answer({ unsought: true });
    },
    'POST /api/v1/fixes': (body: unknown) => {
      sought.push((body as { live: boolean }).live);
      return { fixes: [] };
    },
  });
  fakeLive();
  renderPage(CheckPage, { path: '/check', at: '/check?step=findings' });
  await screen.findByRole('heading', { name: 'VirtualService shop/reviews' });
  expect(live).toEqual([true, false]);
  await screen.findByText(/checked by themselves: what is not in them counts as absent/);
  await waitFor(() => expect(sought).toEqual([false]));
});
