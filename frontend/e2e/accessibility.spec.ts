import type { Page } from '@playwright/test';
import { accessibility, cutTexts, expect, prefer, test } from './mesh';
import { drawn, pages, tabs } from './pages';

// Every page that links reach is looked at, so a new page needs no line here.

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${theme}`, async ({ admin }) => {
    test.setTimeout(300_000);
    await prefer(admin, theme, 'en');
    for (const address of await pages(admin)) {
      await admin.goto(address);
      await drawn(admin);
      expect.soft(await accessibility(admin), address).toEqual([]);
      for (const tab of await tabs(admin)) {
        await tab.click();
        await drawn(admin);
        expect.soft(await accessibility(admin), `${address} "${await tab.textContent()}"`).toEqual([]);
      }
    }
  });
}

/** Pixels by which the page is wider than its window. */
const sideways = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// The last is what 1440 × 900 leaves at a zoom of 200 %.
const sizes = [
  { width: 1440, height: 900 },
  { width: 1280, height: 720 },
  { width: 720, height: 450 },
];

for (const language of ['en', 'zh'] as const) {
  test(`no text is cut and nothing stands outside, ${language}`, async ({ admin }) => {
    test.setTimeout(300_000);
    await prefer(admin, 'light', language);
    const look = async (where: string) => {
      for (const size of sizes) {
        await admin.setViewportSize(size);
        await drawn(admin);
        const at = `${where} at ${size.width} × ${size.height}`;
        expect.soft(await sideways(admin), at).toBeLessThanOrEqual(0);
        expect.soft(await cutTexts(admin), at).toEqual([]);
      }
    };
    for (const address of await pages(admin)) {
      await admin.goto(address);
      await drawn(admin);
      await look(address);
      for (const tab of await tabs(admin)) {
        await tab.click();
        await look(`${address} "${await tab.textContent()}"`);
      }
    }
  });
}
