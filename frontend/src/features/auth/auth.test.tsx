import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { sessionStore } from '../../api/session-store';
import { useDraft } from '../../lib/drafts';
import { recorded } from '../../testing/contract';
import { fakeApi, Refusal, signedIn } from '../../testing/render';
import { SessionEnded } from './session-ended';
import { SignInPage } from './sign-in-page';

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStore.getState().leave();
});

const type = async (name: string, password: string) => {
  if (name) {
    await userEvent.type(screen.getByLabelText('Name', { exact: false }), name);
  }
  if (password) {
    await userEvent.type(screen.getByLabelText('Password', { exact: false }), password);
  }
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
};

test('a wrong name and a wrong password get the same words, and the password is typed again', async () => {
  fakeApi(recorded('session-wrong'));
  render(<SignInPage choices={null} />);
  await type('lena', 'wrong');
  await screen.findByText('That name and password do not match.');
  const password = screen.getByLabelText('Password', { exact: false });
  expect(password).toHaveProperty('value', '');
  expect(document.activeElement).toBe(password);
});

test('nothing is asked without a name', async () => {
  const asked = fakeApi({});
  render(<SignInPage choices={null} />);
  await type('', 'secret');
  await screen.findByText('Type a name and a password.');
  expect(asked).toEqual([]);
});

test('too many attempts say how long to wait', async () => {
  fakeApi(recorded('session-throttled'));
  render(<SignInPage choices={null} />);
  await type('lena', 'wrong');
  await screen.findByText('Too many attempts. Try again in 1 second.');
  expect(screen.getByRole('button', { name: 'Sign in' })).toHaveProperty('disabled', true);
});

test('signing in begins the session', async () => {
  const session = signedIn('viewer');
  sessionStore.getState().leave();
  fakeApi({
    'POST /api/v1/session': (body: unknown) =>
      JSON.stringify(body) === '{"username":"lena","password":"good"}' ? session : new Refusal(401),
  });
  render(<SignInPage choices={null} />);
  await type(' lena ', 'good');
  await waitFor(() => expect(sessionStore.getState().status).toBe('signedIn'));
});

function Editor() {
  const [text, setText] = useDraft('rule a', 'saved');
  return <textarea aria-label="YAML" value={text} onChange={(e) => setText(e.target.value)} />;
}

test('a session that ends while one edits loses no text', async () => {
  const session = signedIn();
  fakeApi({ 'POST /api/v1/session': session });
  const page = render(
    <>
      <Editor />
      <SessionEnded />
    </>,
  );
  await userEvent.type(screen.getByLabelText('YAML'), ', edited');
  expect(screen.queryByRole('dialog')).toBeNull();
  sessionStore.getState().ended();
  const dialog = await screen.findByRole('dialog', { name: 'Sign in to go on' });
  expect(dialog.textContent).toContain('The text you are editing is kept here');
  await userEvent.type(screen.getByLabelText('Password of lena'), 'good');
  await userEvent.click(screen.getByRole('button', { name: 'Sign in and continue' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(screen.getByLabelText('YAML')).toHaveProperty('value', 'saved, edited');
  page.unmount();
  render(<Editor />); // after a reload the tab still has it
  expect(screen.getByLabelText('YAML')).toHaveProperty('value', 'saved, edited');
});
