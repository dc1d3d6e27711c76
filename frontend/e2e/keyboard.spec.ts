import type { Page } from '@playwright/test';
import { accessibility, expect, mesh, test } from './mesh';
import { drawn } from './pages';
import { gone, ruleText, writeRule } from './rule';

const rule = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: default
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: {host: reviews, subset: v1}
          weight: 100
`;

test.beforeEach(async ({ api }) => {
  await writeRule(api, 'reviews', { yaml: rule });
});
test.afterEach(async ({ api }) => {
  await writeRule(api, 'reviews', gone);
});

// The rule is taken away while its page is open, and the browser says so on its console.
test.use({ mayComplain: /status of 404 .*\/default\/reviews$/ });

/** What has the focus: its role or element, and its name. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const e = document.activeElement;
    return `${e?.getAttribute('role') ?? e?.tagName.toLowerCase()} ${e?.getAttribute('aria-label') ?? e?.textContent ?? ''}`;
  });

/** Presses a key until what has the focus is like this; fails when it comes round. */
async function until(page: Page, key: string, wanted: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press(key);
    const now = await focused(page);
    seen.push(now);
    if (wanted.test(now)) {
      return;
    }
  }
  throw new Error(`${key} never leads to ${wanted}: ${seen.join(' | ')}`);
}

test('sign in, find a service, move its slider, apply and undo, without a mouse', async ({ page, api }) => {
  test.setTimeout(90_000);
  await page.goto('/');
  await expect(page.getByLabel('Name')).toBeFocused();
  await page.keyboard.type(mesh.admin().username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(mesh.admin().password);
  await page.keyboard.press('Enter');
  await drawn(page);

  await page.keyboard.press('Control+k');
  const jump = page.getByRole('dialog', { name: 'Jump to' });
  await expect(jump.getByRole('combobox')).toBeFocused();
  await page.keyboard.type('reviews');
  await expect(jump.getByRole('option', { selected: true })).toContainText('reviews');
  expect(await accessibility(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/services\/default\/reviews/);
  const handle = page.getByRole('slider', { name: 'Boundary between v1 and v2' });
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 100 %, v2 0 %');

  await until(page, 'Tab', /^slider Boundary between v1 and v2/);
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageDown');
  await page.keyboard.press('ArrowLeft');
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 79 %, v2 21 %');
  const apply = page
    .getByRole('complementary', { name: 'Preview' })
    .getByRole('button', { name: 'Apply', exact: true });
  await expect(apply).toBeEnabled();
  expect(await accessibility(page)).toEqual([]);
  await until(page, 'Tab', /^button Apply$/);
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^Written at/)).toBeVisible();
  expect(await ruleText(api, 'reviews')).toContain('weight: 79');
  await until(page, 'Tab', /^button Undo this change$/);
  await page.keyboard.press('Enter');
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 100 %, v2 0 %');
  expect(await ruleText(api, 'reviews')).toBe(rule);
});

test('the editor is entered, left and saved without a mouse', async ({ admin, api }) => {
  await admin.goto('/rules/VirtualService/default/reviews');
  await expect(admin.locator('.cm-content')).toBeVisible();
  await until(admin, 'Tab', /^textbox VirtualService .*reviews, YAML/);
  await admin.keyboard.press('Control+End');
  await admin.keyboard.type('      timeout: 3s');
  await expect(admin.getByRole('button', { name: 'Preview and save' })).toBeEnabled();
  // Tab indents in the editor; Escape lets the next one leave it.
  await admin.keyboard.press('Escape');
  await until(admin, 'Tab', /^button Preview and save$/);
  await admin.keyboard.press('Enter');
  const preview = admin.getByRole('complementary', { name: 'Preview' });
  await expect(preview.getByRole('button', { name: 'Apply', exact: true })).toBeEnabled();
  await until(admin, 'Tab', /^button Apply$/);
  await admin.keyboard.press('Enter');
  await expect(admin.getByText('Written.')).toBeVisible();
  expect(await ruleText(api, 'reviews')).toBe(`${rule}      timeout: 3s`);
});

test('the topology is one stop of Tab, arrows walk, and focus comes back from the panel', async ({ admin }) => {
  await admin.goto('/topology');
  await expect(admin.locator('[data-card]').first()).toBeVisible();
  await expect(admin.locator('[data-card][tabindex="0"]')).toHaveCount(1);
  const card = () => admin.evaluate(() => document.activeElement?.getAttribute('data-card') ?? '');
  for (let i = 0; (await card()) === '' && i < 80; i++) {
    await admin.keyboard.press('Tab');
  }
  const first = await card();
  expect(first).not.toBe('');
  await admin.keyboard.press('ArrowRight');
  await expect.poll(card).not.toBe(first);
  const second = await card();
  await admin.keyboard.press('ArrowLeft');
  await expect.poll(card).not.toBe(second);
  await expect(admin.locator('[data-card][tabindex="0"]')).toHaveCount(1);
  const here = await card();

  const panel = admin.locator('.tp-panel');
  await admin.keyboard.press('Enter');
  await expect(panel).toBeVisible();
  await admin.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
  expect(await card()).toBe(here);

  await admin.keyboard.press('Enter');
  await expect(panel).toBeVisible();
  await until(admin, 'Tab', /^button Close$/);
  await admin.keyboard.press('Enter');
  await expect(panel).toHaveCount(0);
  expect(await card()).toBe(here);
});
