import { afterEach, expect, test, vi } from 'vitest';
import { fakeApi, Refusal, signedIn } from '../testing/render';
import { Problem } from './problem';
import { path, request } from './request';
import { sessionStore } from './session-store';

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStore.getState().leave();
});

test('an error is a Problem with everything that it carries', async () => {
  fakeApi({
    'PUT /api/v1/changes': new Refusal(422, {
      title: 'refused',
      detail: 'a weight is wrong',
      code: 'findings',
      findings: [1],
      errors: [{ location: 'body.entries', message: 'empty' }],
    }),
  });
  const problem = await request('/api/v1/changes', { method: 'PUT', body: {} }).catch((e: unknown) => e as Problem);
  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({
    status: 422,
    code: 'findings',
    title: 'refused',
    detail: 'a weight is wrong',
    body: { findings: [1] },
  });
  expect((problem as Problem).fields).toEqual([{ location: 'body.entries', message: 'empty' }]);
});

test('what is no JSON is still a Problem', async () => {
  vi.stubGlobal(
    'fetch',
    async () => new Response('<h1>bad gateway</h1>', { status: 502, headers: { 'Retry-After': '7' } }),
  );
  await expect(request('/x')).rejects.toMatchObject({ status: 502, retryAfter: 7 });
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed to fetch')));
  await expect(request('/x')).rejects.toMatchObject({ status: 0, detail: 'failed to fetch' });
});

test('a refused session is known to the page, and only to who was signed in', async () => {
  fakeApi({ 'GET /api/v1/kinds': new Refusal(401) });
  await expect(request('/api/v1/kinds')).rejects.toMatchObject({ status: 401 });
  expect(sessionStore.getState().status).not.toBe('ended');
  signedIn();
  await expect(request('/api/v1/kinds')).rejects.toMatchObject({ status: 401 });
  expect(sessionStore.getState().status).toBe('ended');
  expect(sessionStore.getState().session?.user.name).toBe('lena');
});

test('a path escapes its parts', () => {
  expect(path`/api/v1/config/${'VirtualService'}/${'a/b'}/${'c d'}`).toBe('/api/v1/config/VirtualService/a%2Fb/c%20d');
});
