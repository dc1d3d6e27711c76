import type { Locator, Page } from '@playwright/test';

/** The text in the editor. */
export const written = (editor: Locator): Promise<string> =>
  editor.evaluate((e) => [...e.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n'));

/** Puts a text in the place of what is selected, as from the clipboard. */
export const paste = (editor: Locator, text: string): Promise<void> =>
  editor.evaluate((e, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    e.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, text);

/** Puts the cursor at the end of the line that has these words. */
export async function endOf(page: Page, editor: Locator, words: string): Promise<void> {
  await editor.locator('.cm-line', { hasText: words }).first().click();
  await page.keyboard.press('End');
}
