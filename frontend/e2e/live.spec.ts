import { resolve } from 'node:path';
import { expect, heddle, mesh, test } from './mesh';
import { drawn } from './pages';

const faulty = resolve(import.meta.dirname, '../../deploy/samples/incidents/ratings-faulty.yaml');

test('the graph is drawn within two seconds', async ({ admin }) => {
  // The first visit fills the browser's cache, as it is for whoever was here before.
  await admin.goto('/topology');
  await expect(admin.locator('[data-card]').first()).toBeVisible();
  await admin.addInitScript(() => {
    const look = () => {
      if (document.querySelector('[data-card]') && document.querySelector('.tp-thread path')) {
        document.documentElement.dataset.drawn = String(performance.now());
      } else {
        requestAnimationFrame(look);
      }
    };
    requestAnimationFrame(look);
  });
  await admin.reload();
  await expect(admin.locator('html[data-drawn]')).toHaveCount(1);
  expect(Number(await admin.locator('html').getAttribute('data-drawn'))).toBeLessThanOrEqual(2000);
});

test('a version that fails is seen on the card, the thread and the overview', async ({ admin, context }) => {
  test.setTimeout(120_000);
  await admin.goto('/topology');
  await drawn(admin);
  const ratings = admin.locator(`[data-card]`).filter({ has: admin.getByText('ratings', { exact: true }) });
  await expect(ratings).not.toHaveClass(/c-failing/);
  const overview = await context.newPage();
  await overview.goto('/');
  await drawn(overview);
  await heddle(['apply', '-f', faulty]);
  const began = Date.now();
  try {
    await expect(ratings).toHaveClass(/c-failing/, { timeout: 25_000 });
    await expect(admin.locator('.tp-thread.t-failing [data-thread*="ratings"]')).not.toHaveCount(0, {
      timeout: 25_000,
    });
    const wrong = overview.getByRole('listitem').filter({ hasText: 'ratings' }).first();
    await expect(wrong).toBeVisible({ timeout: 25_000 });
    await expect(wrong).toContainText(/since|started/i);
    expect(Date.now() - began).toBeLessThanOrEqual(25_000);
  } finally {
    await heddle(['delete', '-f', faulty]);
  }
  await expect(ratings).not.toHaveClass(/c-failing/, { timeout: 60_000 });
});

test.describe('a restart of the server', () => {
  test.use({ mayComplain: /WebSocket|Failed to load resource/ });

  test('is lived through without a reload', async ({ admin }) => {
    test.setTimeout(90_000);
    await admin.goto('/topology');
    await drawn(admin);
    await expect(admin.locator('[data-card]').first()).toBeVisible();
    const cards = await admin.locator('[data-card]').count();
    await admin.evaluate(() => document.documentElement.setAttribute('data-same', 'page'));
    const { controlPlane } = JSON.parse(await heddle(['status', '-o', 'json'])) as { controlPlane: { pid: number } };
    process.kill(controlPlane.pid, 'SIGKILL');
    await expect(admin.locator('[data-connection="live"]')).toHaveCount(0);
    await expect(admin.locator('[data-connection="live"]')).toHaveCount(1, { timeout: 40_000 });
    // What is drawn goes on changing, on the same page.
    const root = admin.locator('#root');
    const before = Number(await root.getAttribute('data-revision'));
    await expect.poll(async () => Number(await root.getAttribute('data-revision'))).toBeGreaterThan(before);
    await expect(admin.locator('[data-card]')).toHaveCount(cards);
    await expect(admin.locator('html[data-same="page"]')).toHaveCount(1);
    expect((await admin.request.get(`${mesh.console()}/api/v1/session`)).status()).toBe(200);
  });
});
