import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { type Answers, fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { RulePage } from './rule-page';

const ref = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name: 'reviews' };
const yaml = 'kind: VirtualService\nmetadata:\n  name: reviews\nspec:\n  hosts: [reviws]\n';
const from = yaml.indexOf('reviws');
const live = {
  ref,
  etag: 'v1',
  state: 'error',
  findings: { error: 1, warning: 0, info: 0 },
  hosts: ['reviws'],
  services: ['shop/reviews'],
  scope: 'services',
  notSupported: false,
  changed: { at: new Date().toISOString(), actor: 'mira', change: '4' },
};
const saved = { ref, etag: 'v1', yaml, origin: { source: 'file' } };
const finding = {
  code: 'HDL2101',
  severity: 'error',
  phase: 'check',
  ref,
  path: 'spec.hosts[0]',
  message: 'No service is called reviws.',
  line: 5,
  column: 11,
  documentLine: 1,
  fix: [{ op: 'set', path: 'spec.hosts[0]', value: 'reviews' }],
  splices: [{ from, to: from + 6, insert: 'reviews' }],
};
const preview = (more: object = {}) => ({
  written: [],
  findings: { added: [], gone: [], kept: 0 },
  blocked: false,
  refused: false,
  groups: [],
  settings: [],
  requests: { rps: 12, callers: [] },
  ...more,
});
/** The check as the server makes it: the misspelt name is wrong. */
const check = (body: unknown) => {
  const text = (body as { manifests: { text: string }[] }).manifests[0]?.text ?? '';
  return {
    findings: text.includes('reviws') ? [finding] : [],
    documents: [{ file: 'a', line: 1, ref, state: 'changed', etag: 'v1' }],
    cannotTell: [],
  };
};
const object = 'GET /api/v1/config/VirtualService/shop/reviews';
const api = (more: Answers = {}) =>
  fakeApi({
    [object]: saved,
    'POST /api/v1/check': check,
    'GET /api/v1/schemas/VirtualService': { properties: {} },
    'POST /api/v1/preview': preview(),
    ...more,
  });
const open = (at = '/rules/VirtualService/shop/reviews') =>
  renderPage(RulePage, { path: '/rules/$kind/$namespace/$name', at });
const button = (name: string | RegExp) => screen.findByRole<HTMLButtonElement>('button', { name });

beforeEach(() => {
  sessionStorage.clear();
  signedIn('operator');
});
afterEach(() => vi.unstubAllGlobals());

test('what proxies reject of it is said with their words', async () => {
  fakeApi({
    'GET /api/v1/config/VirtualService/shop/reviews': saved,
    'POST /api/v1/check': { findings: [], documents: [], cannotTell: [] },
  });
  const page = fakeLive();
  renderPage(RulePage, { path: '/rules/$kind/$namespace/$name', at: '/rules/VirtualService/shop/reviews' });
  await page.tell('objects', { o: live });
  const refused = [{ type: 'x.VirtualHost', resource: '80/reviews', message: 'too large', refs: [ref], at: '' }];
  await page.tell('proxies', { a: { id: 'cart-1.shop', refused }, b: { id: 'cart-2.shop', refused: [] } });
  await screen.findByText('A proxy rejects what this object makes.');
  screen.getByText('too large');
  screen.getByText(/It goes on with what it had\./);
  expect(screen.getByRole('link', { name: 'See the proxy' }).getAttribute('href')).toBe('/proxies/cart-1.shop');
  await page.tell('proxies', { a: { id: 'cart-1.shop', refused }, b: { id: 'cart-2.shop', refused } });
  await screen.findByText('2 proxies reject what this object makes.');
  screen.getByText(/They go on with what they had\./);
  // What two groups call by one name are two objects.
  const others = refused.map((r) => ({ ...r, refs: [{ ...ref, group: 'gateway.networking.k8s.io' }] }));
  await page.tell('proxies', { a: { id: 'cart-1.shop', refused: others }, b: { id: 'cart-2.shop', refused } });
  await screen.findByText('A proxy rejects what this object makes.');
  expect(screen.getByRole('link', { name: 'See the proxy' }).getAttribute('href')).toBe('/proxies/cart-2.shop');
  await page.tell('proxies', { a: { id: 'cart-1.shop', refused: [] } });
  await waitFor(() => expect(screen.queryByText('too large')).toBeNull());
});

test('a mistake is mended by one click, previewed and saved with the version that was read', async () => {
  const put: unknown[] = [];
  api({
    'PUT /api/v1/changes': (body: unknown) => {
      put.push(body);
      return { change: { id: '5', entries: [] }, findings: [] };
    },
  });
  const socket = fakeLive();
  open();
  await socket.tell('objects', { a: live });
  await screen.findByText('HDL2101');
  expect((await button('Preview and save')).disabled).toBe(true);
  await userEvent.click(await button('Use reviews'));
  await waitFor(() => expect(screen.getByText('edited')).toBeTruthy());
  screen.getByText('unsaved'); // in the list, at once
  await waitFor(async () => expect((await button('Preview and save')).disabled).toBe(false));
  await userEvent.click(await button('Preview and save'));
  await userEvent.click(await button('Apply'));
  await screen.findByText('Written.');
  expect(put).toEqual([{ entries: [{ ref, etag: 'v1', yaml: yaml.replace('reviws', 'reviews') }] }]);
});

test('what was typed survives; when another changed the object meanwhile, the page says so', async () => {
  sessionStorage.setItem('heddle.draft.rule VirtualService/shop/reviews', `${yaml}# mine\n`);
  sessionStorage.setItem('heddle.draft.base of rule VirtualService/shop/reviews', 'v0');
  const asked: unknown[] = [];
  api({
    'POST /api/v1/preview': (body: unknown) => {
      asked.push(body);
      return preview();
    },
  });
  const socket = fakeLive();
  open();
  await socket.tell('objects', { a: live });
  await screen.findByText(/mira changed this object .* while you wrote\./);
  await userEvent.click(await button('Compare and merge'));
  await waitFor(() => expect(asked).toEqual([{ entries: [{ ref, etag: 'v0', yaml: `${yaml}# mine\n` }] }]));
  await userEvent.click(await button('Revert'));
  await waitFor(() => expect(screen.queryByText('edited')).toBeNull());
});

test('a viewer reads', async () => {
  signedIn('viewer');
  api();
  const socket = fakeLive();
  open();
  await socket.tell('objects', { a: live });
  await screen.findByText(/You may look, not change/);
  await screen.findByText('HDL2101');
  for (const name of ['Preview and save', 'Delete', 'Use reviews', 'New object']) {
    expect(screen.queryByRole('button', { name }), name).toBeNull();
  }
  expect(screen.queryByRole('link', { name: 'Change traffic' })).toBeNull();
  expect(screen.queryByRole('tab', { name: 'Form' })).toBeNull();
});

test('deleting says who needs it, and asks for the name where traffic flows', async () => {
  const put: unknown[] = [];
  api({
    'POST /api/v1/preview': preview({
      blocked: true,
      findings: { added: [{ ...finding, ref: { ...ref, name: 'other' }, message: 'It is gone.' }], gone: [], kept: 0 },
    }),
    'PUT /api/v1/changes': (body: unknown) => {
      put.push(body);
      return { change: { id: '6' }, findings: [] };
    },
  });
  const socket = fakeLive();
  const page = open();
  await socket.tell('objects', { a: live });
  await userEvent.click(await button('Delete'));
  await button('Copy as heddle delete');
  await screen.findByText('VirtualService shop/other');
  screen.getByText(/12.*rps go where shop\/reviews acts\./);
  const action = await button('Delete anyway');
  expect(action.disabled).toBe(true);
  await userEvent.type(screen.getByRole('textbox', { name: 'Type reviews to confirm' }), 'reviews');
  await userEvent.click(action);
  // Where the change is followed, and taken back.
  await waitFor(() => expect(page.address()).toBe('/changes/6'));
  expect(put).toEqual([{ entries: [{ ref, etag: 'v1', delete: true }], force: true }]);
});

test('an earlier text is put back into the editor, not written', async () => {
  api({
    'GET /api/v1/objects/VirtualService/shop/reviews/history': {
      items: [
        { change: '4', at: '2026-01-02T03:04:05Z', actor: 'mira', via: 'cli', op: 'change', text: yaml },
        {
          change: '3',
          at: '2026-01-01T03:04:05Z',
          actor: 'lena',
          via: 'console',
          op: 'create',
          text: `${yaml}# old\n`,
        },
      ],
    },
  });
  const socket = fakeLive();
  open('/rules/VirtualService/shop/reviews?view=history');
  await socket.tell('objects', { a: live });
  await userEvent.click(await button(/created/));
  expect(screen.getByRole('link', { name: 'See the whole change' }).getAttribute('href')).toBe('/changes/3');
  await userEvent.click(await button('Put this text into the editor'));
  await screen.findByText('edited');
});

test('what does not exist', async () => {
  api({ [object]: new Refusal(404, { title: 'not found', code: 'notFound' }) });
  const socket = fakeLive();
  open();
  await socket.tell('objects', {});
  await screen.findByText('VirtualService shop/reviews does not exist');
});

test('a link to a field leads the cursor there', async () => {
  api();
  const socket = fakeLive();
  const page = open('/rules/VirtualService/shop/reviews?at=spec.hosts%5B0%5D');
  const { container } = page;
  await socket.tell('objects', { a: live });
  await waitFor(() => expect(container.querySelector('.cm-activeLine')?.textContent).toBe('  hosts: [reviws]'));
  expect(container.querySelector('.cm-content')).toBe(document.activeElement);
  // Once: who comes back from another view stays at its tab.
  await userEvent.click(screen.getByRole('tab', { name: 'Changes' }));
  expect(page.address()).not.toContain('at=');
  const yaml = screen.getByRole('tab', { name: 'YAML' });
  await userEvent.click(yaml);
  await waitFor(() => expect(container.querySelector('.cm-content')).not.toBeNull());
  expect(document.activeElement).toBe(yaml);
});

test('what runs programs is not written from a browser', async () => {
  signedIn('admin');
  const pod = { group: '', kind: 'Service', namespace: 'shop', name: 'reviews' };
  api({ 'GET /api/v1/config/Service/shop/reviews': { ...saved, ref: pod } });
  const socket = fakeLive();
  open('/rules/Service/shop/reviews');
  await socket.tell('objects', { a: live });
  await screen.findByText(/on the machine that the mesh runs on/);
  expect(screen.queryByRole('button', { name: 'Preview and save' })).toBeNull();
});

const rule = { group: 'networking.istio.io', kind: 'DestinationRule', namespace: 'shop', name: 'reviews' };
const subsetFix = { does: 'addSubsets', params: { subsets: 'v3' }, ref: rule };
const entry = { ref: rule, etag: 'r1', yaml: 'kind: DestinationRule\n' };
const checked = (more: object) => ({
  ...check({ manifests: [{ text: 'reviws' }] }),
  findings: [{ ...finding, ...more }],
});

test('a fix in another object is seen together with this one before anything is written', async () => {
  sessionStorage.setItem('heddle.draft.rule VirtualService/shop/reviews', `${yaml}# mine\n`);
  sessionStorage.setItem('heddle.draft.base of rule VirtualService/shop/reviews', 'v1');
  const put: unknown[] = [];
  const questions: unknown[] = [];
  api({
    'POST /api/v1/check': checked({ code: 'HDL2104', fix: null, splices: [], elsewhere: [subsetFix] }),
    'POST /api/v1/fixes': (body: unknown) => {
      questions.push(body);
      return { fixes: [{ ...subsetFix, entry }] };
    },
    'PUT /api/v1/changes': (body: unknown) => {
      put.push(body);
      return { change: { id: '5', entries: [] }, findings: [] };
    },
  });
  const socket = fakeLive();
  open();
  await socket.tell('objects', { a: live });
  await userEvent.click(await button('Add v3 to DestinationRule shop/reviews'));
  await waitFor(async () => expect((await button('Apply')).disabled).toBe(false));
  const text = `${yaml}# mine\n`;
  expect(questions).toEqual([
    {
      manifests: [{ file: 'VirtualService shop/reviews', text }],
      live: true,
      code: 'HDL2104',
      ref,
      path: 'spec.hosts[0]',
    },
  ]);
  expect(put).toEqual([]);
  await userEvent.click(await button('Apply'));
  await screen.findByText('Written.');
  expect(put).toEqual([{ entries: [entry, { ref, etag: 'v1', yaml: text }] }]);
});

test('a fix that nobody looked for yet is looked for, and made in the text', async () => {
  const { fix, splices, ...rest } = finding;
  let fixes: object[] = [];
  api({
    'POST /api/v1/check': (body: unknown) => {
      const answer = check(body);
      return { ...answer, findings: answer.findings.map(() => ({ ...rest, splices: [], unsought: true })) };
    },
    'POST /api/v1/fixes': () => ({ fixes }),
  });
  const socket = fakeLive();
  open();
  await socket.tell('objects', { a: live });
  await userEvent.click(await button('Look for a fix'));
  await screen.findByText('What is meant by HDL2101 cannot be told without doubt.');
  fixes = [{ does: 'edit', ref, edits: fix, file: 'VirtualService shop/reviews', splices }];
  await userEvent.click(await button('Look for a fix'));
  await waitFor(() => expect(screen.getByText('edited')).toBeTruthy());
  expect(sessionStorage.getItem('heddle.draft.rule VirtualService/shop/reviews')).toContain('[reviews]');
});

test('when no fix can be looked for, the page says so', async () => {
  api({
    'POST /api/v1/check': checked({ splices: [], unsought: true }),
    'POST /api/v1/fixes': new Refusal(503, { title: 'busy', code: 'busy' }),
  });
  const socket = fakeLive();
  open();
  await socket.tell('objects', { a: live });
  await userEvent.click(await button('Look for a fix'));
  await screen.findByText('A fix cannot be looked for now.');
});

test('from an object to the form that changes it in words', async () => {
  api();
  const socket = fakeLive();
  open('/rules/VirtualService/shop/reviews?view=form');
  await socket.tell('objects', { a: live });
  const link = await screen.findByRole('link', { name: 'Change traffic of shop/reviews' });
  expect(decodeURIComponent(link.getAttribute('href') ?? '')).toBe('/change?service=shop/reviews&object=shop/reviews');
  expect(screen.getByRole('link', { name: 'Change traffic' }).getAttribute('href')).toBe('/change');
});
