import { enter, expect, mesh, test } from './mesh';

test('wrong and unknown names are refused alike, guessing is slowed down, the right one goes in', async ({ page }) => {
  test.setTimeout(180_000);
  const button = page.getByRole('button', { name: 'Sign in', exact: true });
  const alert = page.getByRole('main').locator('.pf-v6-c-alert');
  const said = async () => (await alert.allTextContents()).join();
  /** Tries it as soon as the page lets, and gives the answer's status. */
  const attempt = async (who: Parameters<typeof enter>[1]): Promise<number> => {
    await expect(button).toBeEnabled({ timeout: 40_000 });
    const answer = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/session'));
    await enter(page, who);
    return (await answer).status();
  };
  const wrong = (username: string) => ({ username, password: 'not the password' });

  const words: string[] = [];
  for (const username of ['admin', 'nobody']) {
    await page.goto('/');
    // One failed attempt slows the next one down, whoever makes it.
    await expect(async () => expect(await attempt(wrong(username))).toBe(401)).toPass({ timeout: 50_000 });
    await expect(alert).toBeVisible();
    words.push(await said());
  }
  expect(words[0]).toBe(words[1]);

  // Who guesses on waits longer each time: the page counts down, and takes nothing meanwhile.
  await expect(async () => expect(await attempt(wrong('nobody'))).toBe(429)).toPass({ timeout: 50_000 });
  await expect(alert).toContainText(/Too many attempts\. Try again in \d+ seconds?\./);
  await expect(button).toBeDisabled();
  const left = async () => Number(/\d+/.exec(await said())?.[0] ?? 0);
  const first = await left();
  await expect.poll(left).toBeLessThan(first);
  expect(await attempt(mesh.admin())).toBe(200);
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
