import type { Page } from '@playwright/test';
import { accessibility, cutTexts, expect, prefer, test } from './mesh';
import { drawn, pages, tabs } from './pages';

const looks = [
  ['light', 'en'],
  ['dark', 'zh'],
] as const;

// The first is what the last leaves at a zoom of 200 %.
const sizes = [
  { width: 720, height: 450 },
  { width: 1280, height: 720 },
  { width: 1440, height: 900 },
];

/** Pixels by which the page is wider than its window. */
const sideways = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** At each size what is cut or stands outside, and at the usual one what axe finds. */
async function look(page: Page, where: string, settled: () => Promise<void>): Promise<void> {
  for (const size of sizes) {
    await page.setViewportSize(size);
    await settled();
    const at = `${where} at ${size.width} × ${size.height}`;
    expect.soft(await sideways(page), at).toBeLessThanOrEqual(0);
    expect.soft(await cutTexts(page), at).toEqual([]);
  }
  expect.soft(await accessibility(page), where).toEqual([]);
}

for (const [theme, language] of looks) {
  // Every page that links reach is looked at, so a new page needs no line here.
  test(`axe finds nothing on any page, no text is cut and nothing stands outside, ${theme} ${language}`, async ({
    admin,
  }) => {
    test.setTimeout(300_000);
    await prefer(admin, theme, language);
    for (const address of await pages(admin)) {
      await admin.goto(address);
      await drawn(admin);
      await look(admin, address, () => drawn(admin));
      for (const tab of await tabs(admin)) {
        await tab.click();
        await look(admin, `${address} "${await tab.textContent()}"`, () => drawn(admin));
      }
    }
  });

  test(`axe finds nothing where one signs in, and everything is seen, ${theme} ${language}`, async ({ page }) => {
    await prefer(page, theme, language);
    await page.goto('/');
    const name = page.getByLabel(/^(Name|用户名)/);
    await look(page, 'sign-in', () => expect(name).toBeFocused());
  });
}
