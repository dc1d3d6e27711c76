import { randomBytes } from 'node:crypto';
import type { Page } from '@playwright/test';
import { type Api, expect, mesh, signIn, test } from './mesh';
import { drawn } from './pages';

interface Person {
  username: string;
  password: string;
}

/** Makes a user of that role for as long as the work takes. */
async function withUser(api: Api, role: string, work: (who: Person) => Promise<void>): Promise<void> {
  const who = {
    username: `${role}-${randomBytes(3).toString('hex')}`,
    password: randomBytes(12).toString('base64url'),
  };
  const made = await api.send('POST', '/users', { name: who.username, role, password: who.password });
  expect(made.status(), await made.text()).toBeLessThan(300);
  try {
    await work(who);
  } finally {
    expect((await api.send('DELETE', `/users/${who.username}`)).status()).toBeLessThan(300);
  }
}

const gateway = { group: 'networking.istio.io', kind: 'Gateway', namespace: 'default', name: 'bookinfo-gateway' };
const route = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'default', name: 'bookinfo' };
const routePage = '/rules/VirtualService/default/bookinfo';

/** What the server says to deleting an object, asked with the cookie of the page. */
const deleting = async (page: Page, ref: object): Promise<number> =>
  (
    await page.request.put(`${mesh.console()}/api/v1/changes`, {
      data: { entries: [{ ref, etag: '*', delete: true }] },
      headers: { Origin: mesh.console() },
    })
  ).status();

test('a viewer finds nothing to change, and the server refuses all the same', async ({ api, page }) => {
  await withUser(api, 'viewer', async (who) => {
    await signIn(page, who);
    await page.goto(routePage);
    await drawn(page);
    await expect(page.getByRole('heading', { name: /bookinfo/ })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0);
    await expect(page.locator('.cm-content')).toHaveAttribute('aria-readonly', 'true');
    expect(await deleting(page, route)).toBe(403);

    await page.goto('/services/default/reviews');
    await drawn(page);
    await expect(page.getByText(/You may look, not change/).first()).toBeVisible();
    await expect(page.getByRole('slider', { name: /^Boundary between/ })).toHaveCount(0);
    expect((await page.request.get(`${mesh.console()}/api/v1/users`)).status()).toBe(403);
  });
});

test('an operator changes traffic, and not the way in', async ({ api, page }) => {
  await withUser(api, 'operator', async (who) => {
    await signIn(page, who);
    await page.goto(routePage);
    await expect(page.getByRole('button', { name: 'Delete', exact: true })).toBeVisible();
    await page.goto('/rules/Gateway/default/bookinfo-gateway');
    await drawn(page);
    await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0);
    expect(await deleting(page, gateway)).toBe(403);
  });
});

const revocations = {
  'is shut out': { disabled: true },
  'gets another role': { role: 'operator' },
  'gets another password': { password: randomBytes(12).toString('base64url') },
};

for (const [what, change] of Object.entries(revocations)) {
  test(`who ${what} meanwhile loses the socket at once, and the page says so`, async ({ api, page }) => {
    await withUser(api, 'viewer', async (who) => {
      await signIn(page, who);
      await page.goto('/');
      await drawn(page);
      const closed = page.evaluate(
        () =>
          new Promise<number>((done) => {
            const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/v1/live`);
            socket.onopen = () => document.body.setAttribute('data-opened', 'yes');
            socket.onclose = (event) => done(event.code);
          }),
      );
      await expect(page.locator('body[data-opened]')).toHaveCount(1);
      expect((await api.send('PATCH', `/users/${who.username}`, change)).status()).toBeLessThan(300);
      expect(await closed).toBe(4401);
      await expect(page.getByRole('dialog', { name: 'Sign in to go on' })).toBeVisible();
      expect((await page.request.get(`${mesh.console()}/api/v1/session`)).status()).toBe(401);
    });
  });
}

test('a session that ends while somebody edits loses no text', async ({ api, page }) => {
  await withUser(api, 'operator', async (who) => {
    await signIn(page, who);
    await page.goto(routePage);
    const editor = page.locator('.cm-content');
    await editor.click();
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.type('# kept');
    await expect(editor).toContainText('# kept');
    // A new password ends the session wherever it is open.
    const password = randomBytes(12).toString('base64url');
    expect((await api.send('PATCH', `/users/${who.username}`, { password })).status()).toBeLessThan(300);
    const dialog = page.getByRole('dialog', { name: 'Sign in to go on' });
    await expect(dialog).toContainText('The text you are editing is kept here');
    await dialog.getByLabel(`Password of ${who.username}`).fill(password);
    await page.keyboard.press('Enter');
    await expect(dialog).toHaveCount(0);
    await expect(editor).toContainText('# kept');
    await page.reload();
    await expect(editor).toContainText('# kept');
    await expect(page.locator('[data-connection="live"]')).toHaveCount(1);
  });
});
