import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeApi, Refusal, signedIn } from '../testing/render';
import { keepSession, loadSession, signIn, signOut } from './session';
import { sessionStore } from './session-store';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStore.getState().leave();
});

test('who is signed in is asked first', async () => {
  fakeApi({ 'GET /api/v1/session': new Refusal(401) });
  await loadSession();
  expect(sessionStore.getState().status).toBe('signedOut');
  fakeApi({ 'GET /api/v1/session': signedIn('viewer') });
  await loadSession();
  expect(sessionStore.getState()).toMatchObject({ status: 'signedIn', session: { user: { role: 'viewer' } } });
  fakeApi({ 'GET /api/v1/session': new Refusal(503) });
  await expect(loadSession()).rejects.toMatchObject({ status: 503 });
});

test('the same person goes on where the session ended', async () => {
  const session = signedIn();
  sessionStore.getState().ended();
  fakeApi({ 'POST /api/v1/session': session });
  await signIn('lena', 'secret');
  expect(sessionStore.getState()).toMatchObject({ status: 'signedIn', endedAt: null });
});

test('another person starts anew', async () => {
  const reload = vi.fn();
  vi.stubGlobal('location', { ...location, origin: location.origin, reload });
  const mira = signedIn('admin', 'mira');
  signedIn();
  sessionStore.getState().ended();
  fakeApi({ 'POST /api/v1/session': mira });
  await signIn('mira', 'secret');
  expect(reload).toHaveBeenCalled();
  expect(sessionStore.getState().status).toBe('ended');
});

test('signing out is done also where the session is over', async () => {
  signedIn();
  fakeApi({ 'DELETE /api/v1/session': new Refusal(401) });
  await signOut();
  expect(sessionStore.getState().status).toBe('signedOut');
});

test('a visible page renews its session, a hidden one does not', async () => {
  const session = signedIn();
  const asked = fakeApi({ 'POST /api/v1/session/renew': session });
  const page = new EventTarget() as Document & { visibilityState: string };
  page.visibilityState = 'visible';
  const stop = keepSession(page);
  await vi.advanceTimersByTimeAsync(4 * 60_000);
  expect(asked).toEqual(['POST /api/v1/session/renew']);
  page.visibilityState = 'hidden';
  await vi.advanceTimersByTimeAsync(20 * 60_000);
  expect(asked).toHaveLength(1);
  page.visibilityState = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toHaveLength(2);
  stop();
  await vi.advanceTimersByTimeAsync(20 * 60_000);
  expect(asked).toHaveLength(2);
});
