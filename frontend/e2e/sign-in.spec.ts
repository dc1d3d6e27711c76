import { enter, expect, mesh, test } from './mesh';

test('wrong and unknown names are refused alike, the right one goes in', async ({ page }) => {
  test.setTimeout(120_000);
  const words: string[] = [];
  const alert = page.getByRole('main').locator('.pf-v6-c-alert');
  for (const username of ['admin', 'nobody']) {
    await page.goto('/');
    // One failed attempt slows the next one down, whoever makes it: then the page counts down.
    await expect(async () => {
      await expect(page.getByRole('button', { name: 'Sign in', exact: true })).toBeEnabled({ timeout: 40_000 });
      const answer = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/session'));
      await enter(page, { username, password: 'not the password' });
      expect((await answer).status()).toBe(401);
    }).toPass({ timeout: 50_000 });
    await expect(alert).toBeVisible();
    words.push((await alert.textContent()) ?? '');
  }
  expect(words[0]).toBe(words[1]);

  // Failed attempts slow the next one down: the page counts down and lets in afterwards.
  await page.goto('/');
  await expect(async () => {
    await expect(page.getByRole('button', { name: 'Sign in', exact: true })).toBeEnabled({ timeout: 40_000 });
    const answer = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/session'));
    await enter(page, mesh.admin());
    expect((await answer).status()).toBe(200);
  }).toPass({ timeout: 50_000 });
  await expect(page.getByRole('navigation').first()).toBeVisible();
});

test('the cookie is out of reach of scripts and other sites', async ({ admin, context }) => {
  await admin.goto('/');
  const cookie = (await context.cookies()).find((c) => c.name === 'heddle_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  expect(await admin.evaluate(() => document.cookie)).not.toContain('heddle_session');
});

test('every page says what may run in it', async ({ admin }) => {
  const answer = await admin.goto('/');
  const headers = answer?.headers() ?? {};
  const policy = headers['content-security-policy'] ?? '';
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe-eval');
  expect(policy.split(';').find((d) => d.trim().startsWith('script-src'))).not.toContain('unsafe-inline');
  expect(headers['x-content-type-options']).toBe('nosniff');
});
