import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, mesh, signIn, test } from './mesh';

/** A page of somebody else on this machine, whose scripts the browser runs with all that it knows of our console. */
let server: Server;
let address: string;

test.beforeAll(async () => {
  server = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end('<!doctype html><title>other</title>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

test.afterAll(async () => {
  await new Promise((done) => server.close(done));
});

test('a page of another port reads nothing, writes nothing and hears nothing', async ({ page, api }) => {
  await signIn(page, mesh.admin());
  const rules = async () => (await api.json<unknown[]>('/config/VirtualService')).length;
  const before = await rules();
  await page.goto(address);
  // The browser sends the cookie along: ports are no border to it.
  expect((await page.context().cookies(mesh.console())).map((c) => c.name)).toContain('heddle_session');

  const entry = {
    ref: { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'default', name: 'smuggled' },
    yaml: 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: smuggled}\nspec: {hosts: [details]}\n',
  };
  const tried = await page.evaluate(
    async ([at, body]) => {
      const ask = (path: string, init: RequestInit) =>
        fetch(`${at}/api/v1${path}`, { credentials: 'include', ...init }).then(
          (answer) => answer.type,
          () => 'refused',
        );
      const json = { 'Content-Type': 'application/json' };
      return {
        read: await ask('/session', {}),
        write: await ask('/changes', { method: 'PUT', headers: json, body }),
        signOut: await ask('/session', { method: 'DELETE' }),
        // What a form can send needs no permission of the browser.
        form: await ask('/preview', { method: 'POST', mode: 'no-cors', body }),
        renew: await ask('/session/renew', { method: 'POST', mode: 'no-cors' }),
        socket: await new Promise<string>((done) => {
          const socket = new WebSocket(`${at.replace('http', 'ws')}/api/v1/live`);
          socket.onopen = () => done('opened');
          socket.onerror = () => done('refused');
        }),
        frame: await new Promise<string>((done) => {
          const frame = document.createElement('iframe');
          frame.onload = () => {
            let seen = 'refused';
            try {
              seen = frame.contentDocument?.title ?? 'refused';
            } catch {
              // It is another site's document.
            }
            done(seen);
          };
          frame.src = at;
          document.body.append(frame);
        }),
      };
    },
    [mesh.console(), JSON.stringify({ entries: [entry] })] as const,
  );
  expect(tried).toEqual({
    read: 'refused',
    write: 'refused',
    signOut: 'refused',
    form: 'refused',
    renew: 'refused',
    socket: 'refused',
    frame: 'refused',
  });
  // The same without a browser that is careful: the server refuses by itself.
  for (const [method, path] of [
    ['PUT', '/changes'],
    ['POST', '/preview'],
    ['POST', '/session/renew'],
    ['DELETE', '/session'],
  ] as const) {
    const answer = await page.request.fetch(`${mesh.console()}/api/v1${path}`, {
      method,
      headers: { Origin: new URL(address).origin, 'Sec-Fetch-Site': 'same-site' },
      data: { entries: [entry] },
    });
    expect(answer.status(), `${method} ${path}`).toBe(403);
  }
  expect(await rules()).toBe(before);
  expect((await page.request.get(`${mesh.console()}/api/v1/session`)).status()).toBe(200);
});
