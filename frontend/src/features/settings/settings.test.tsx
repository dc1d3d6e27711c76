import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { fakeApi, Refusal, renderPage, signedIn } from '../../testing/render';
import { upTo } from './roles';
import { SettingsPage } from './settings-page';

afterEach(() => vi.unstubAllGlobals());

const at = (tab: string) => ({ path: '/settings', at: `/settings?tab=${tab}` });

test('nobody gives away more than they have', () => {
  expect(upTo('viewer')).toEqual(['viewer']);
  expect(upTo('operator')).toEqual(['viewer', 'operator']);
  expect(upTo('owner')).toEqual(['viewer', 'operator', 'admin']);
  expect(upTo(undefined)).toEqual(['viewer']);
});

test('a viewer sees the own account, and no users', async () => {
  signedIn('viewer');
  const asked = fakeApi({});
  renderPage(SettingsPage, at('users'));
  await screen.findByText(/Ask an administrator for the role admin/);
  expect(screen.getAllByRole('tab').map((tab) => tab.textContent)).toEqual(['My account', 'Tokens', 'About']);
  expect(asked.filter((call) => call.includes('users'))).toEqual([]);
});

test('the own password: wrong, then right', async () => {
  const session = signedIn('viewer');
  let right = false;
  fakeApi({
    'POST /api/v1/session/password': () =>
      right ? null : new Refusal(422, { title: 'wrong', code: 'wrongPassword', detail: 'the old password is wrong' }),
    'GET /api/v1/session': session,
  });
  renderPage(SettingsPage, at('account'));
  const change = await screen.findByRole('button', { name: 'Change password' });
  await userEvent.type(screen.getByLabelText('Present password'), 'old');
  await userEvent.type(screen.getByLabelText('New password'), 'a new sentence');
  await userEvent.type(screen.getByLabelText('New password again'), 'a new');
  screen.getByText('This is not the same as above.');
  expect(document.body.textContent).not.toContain('error status');
  expect((change as HTMLButtonElement).disabled).toBe(true);
  await userEvent.type(screen.getByLabelText('New password again'), ' sentence');
  await userEvent.click(change);
  await screen.findByText('The present password is another one. Nothing was changed.');
  right = true;
  await userEvent.click(change);
  await screen.findByText(/The password is changed/);
});

test('a token is shown once, and revoked after a question', async () => {
  signedIn('operator');
  const token = {
    id: 't1',
    name: 'pipeline',
    role: 'operator',
    owner: 'lena',
    created: '2026-11-21T10:00:00Z',
    expires: '2099-01-01T00:00:00Z',
  };
  let list: object[] = [];
  let sent: unknown;
  const asked = fakeApi({
    'GET /api/v1/tokens': () => list,
    'POST /api/v1/tokens': (body: unknown) => {
      sent = body;
      list = [token];
      return { ...token, token: 'hdl_secret' };
    },
    'DELETE /api/v1/tokens/t1': () => {
      list = [];
      return null;
    },
  });
  renderPage(SettingsPage, at('tokens'));
  await screen.findByText('There are no tokens');
  await userEvent.click(screen.getByRole('button', { name: 'New token' }));
  const dialog = within(await screen.findByRole('dialog', { name: 'New token' }));
  expect(
    dialog
      .getAllByRole('option')
      .slice(0, 2)
      .map((o) => o.textContent),
  ).toEqual(['Viewer', 'Operator']);
  await userEvent.type(dialog.getByLabelText('Name'), 'pipeline');
  await userEvent.selectOptions(dialog.getByLabelText('Role'), 'operator');
  await userEvent.click(dialog.getByRole('button', { name: 'Create token' }));
  await screen.findByText('hdl_secret');
  expect(sent).toEqual({ name: 'pipeline', role: 'operator', expires: '720h' });
  await userEvent.click(screen.getByRole('button', { name: 'I have it' }));
  expect(screen.queryByText('hdl_secret')).toBeNull();
  await userEvent.click(await screen.findByRole('button', { name: 'Revoke pipeline' }));
  await userEvent.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Revoke' }));
  await screen.findByText('There are no tokens');
  expect(asked).toContain('DELETE /api/v1/tokens/t1');
});

test('an administrator adds a user, and cannot disable the last administrator', async () => {
  signedIn('admin', 'admin');
  const admin = { name: 'admin', role: 'admin', disabled: false, created: '2026-11-21T10:00:00Z' };
  const users: object[] = [admin];
  fakeApi({
    'GET /api/v1/users': () => users,
    'POST /api/v1/users': (body: unknown) => {
      const user = { ...(body as object), disabled: false, created: '2026-11-21T10:00:00Z' };
      users.push(user);
      return user;
    },
    'PATCH /api/v1/users/admin': new Refusal(409, { title: 'no', code: 'lastAdministrator' }),
  });
  renderPage(SettingsPage, at('users'));
  await userEvent.click(await screen.findByRole('button', { name: 'Disable' }));
  await screen.findByText(/This is the last administrator/);
  await userEvent.click(screen.getByRole('button', { name: 'Add user' }));
  const dialog = within(await screen.findByRole('dialog', { name: 'Add user' }));
  await userEvent.type(dialog.getByLabelText('Name'), 'mira');
  await userEvent.type(dialog.getByLabelText('First password'), 'a long sentence');
  await userEvent.click(dialog.getByRole('button', { name: 'Add user' }));
  await screen.findByText('mira');
});

test('the audit log, page by page and by user', async () => {
  signedIn('admin');
  const entry = (id: number, actor: string) => ({
    id,
    at: '2026-11-21T10:00:00Z',
    actor,
    via: 'console',
    action: 'session.signIn',
    outcome: id % 2 ? 'ok' : 'refused',
  });
  const asked = fakeApi({
    'GET /api/v1/audit?limit=50': { items: [entry(9, 'lena')], next: 9 },
    'GET /api/v1/audit?limit=50&before=9': { items: [entry(8, 'mira')] },
    'GET /api/v1/audit?limit=50&user=mira': { items: [entry(8, 'mira')] },
  });
  const page = renderPage(SettingsPage, at('audit'));
  await screen.findByText('lena');
  await userEvent.click(screen.getByRole('button', { name: 'Show older entries' }));
  await screen.findByText('mira');
  screen.getByText('refused');
  await userEvent.type(screen.getByRole('textbox', { name: 'Name of a user' }), 'mira');
  await waitFor(() => expect(page.address()).toContain('user=mira'));
  await waitFor(() => expect(screen.queryByText('lena')).toBeNull());
  expect(asked.some((call) => call.includes('before=9'))).toBe(true);
});
