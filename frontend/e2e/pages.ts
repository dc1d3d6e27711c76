import type { Locator, Page } from '@playwright/test';
import { expect } from './mesh';

/** Waits until the page has its data and nothing on it moves any more. */
export async function drawn(page: Page): Promise<void> {
  await expect(page.locator('#root[data-revision]')).toHaveCount(1);
  await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0);
  await expect(page.locator('main').getByRole('heading').first()).toBeVisible();
  await page.evaluate(async () => {
    await document.fonts.ready;
    const ends = document
      .getAnimations()
      .filter((a) => a.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    await Promise.all(ends.map((a) => a.finished.catch(() => undefined)));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  });
}

/** The tabs that a page is divided into, without the one that is open. */
export async function tabs(page: Page): Promise<Locator[]> {
  const found = page.locator('main').getByRole('tab', { selected: false, disabled: false });
  const names = await found.allTextContents();
  return names.map((name) => page.locator('main').getByRole('tab', { name, exact: true }));
}

/** What an address is an example of: its first part, and how deep it goes. */
const shape = (path: string): string => `${path.split('/')[1]} ${path.split('/').length}`;

/** The paths that the links of the page lead to. */
const links = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLAnchorElement>('#root a[href^="/"]:not([download])')].map(
      (a) => new URL(a.href).pathname,
    ),
  );

let known: string[] | undefined;

/** Every page that links lead to, beginning at the first one: one example of each kind. */
export async function pages(page: Page): Promise<string[]> {
  if (known) {
    return known;
  }
  const found = new Map([[shape('/'), '/']]);
  for (const address of found.values()) {
    await page.goto(address);
    await drawn(page);
    for (const path of await links(page)) {
      if (!/^\/(api|prometheus|metrics|assets)(\/|$)/.test(path) && !found.has(shape(path))) {
        found.set(shape(path), path);
      }
    }
  }
  known = [...found.values()];
  return known;
}
