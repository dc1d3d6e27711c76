import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, mesh, test } from './mesh';
import { gone, writeRule } from './rule';
import { countVersions, visitors } from './visitors';

const written = `# Who gets the new reviews. Ask Lena before v3.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: default
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: {host: reviews, subset: v1} # the one that works
          weight: 100
        - destination: {host: reviews, subset: v2}
          weight: 0 # stars, black
`;

/** The file in the folder of the configuration that holds the rule. */
async function onDisk(): Promise<string> {
  const folder = join(mesh.state(), 'config');
  for (const name of await readdir(folder, { recursive: true })) {
    if (name.endsWith('.yaml')) {
      const text = await readFile(join(folder, name), 'utf8');
      if (text.includes('kind: VirtualService') && /^ {2}name: reviews$/m.test(text)) {
        return text;
      }
    }
  }
  return '';
}

const apply = async (page: Page) => {
  await page
    .getByRole('complementary', { name: 'Preview' })
    .getByRole('button', { name: 'Apply', exact: true })
    .click();
  await expect(page.getByText(/^Written at/)).toBeVisible();
  await expect(page.locator('.cn .state')).toHaveText(/^(Settled|All \d+ proxies have it|v\d measured .*)$/);
};

test.beforeEach(async ({ api }) => {
  await writeRule(api, 'reviews', { yaml: written });
});

test.afterEach(async ({ api }) => {
  await writeRule(api, 'reviews', gone);
});

test('traffic shifts by mouse and by keyboard, nobody is turned away, and undo restores every byte', async ({
  admin,
}) => {
  test.setTimeout(180_000);
  await admin.goto('/services/default/reviews');
  const handle = admin.getByRole('slider', { name: 'Boundary between v1 and v2' });
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 100 %, v2 0 %');
  const before = await onDisk();
  expect(before).toBe(written);
  const load = visitors(50);

  // By keyboard: 100/0 → 70/30.
  await handle.focus();
  for (let i = 0; i < 3; i++) {
    await admin.keyboard.press('PageDown');
  }
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 70 %, v2 30 %');
  await apply(admin);
  expect(await onDisk()).toBe(written.replace('weight: 100', 'weight: 70').replace('weight: 0 #', 'weight: 30 #'));
  const shifted = await countVersions(1000);
  expect(shifted.failed ?? 0).toBe(0);
  expect(Math.abs((shifted.v1 ?? 0) - 700), JSON.stringify(shifted)).toBeLessThanOrEqual(50);
  expect(Math.abs((shifted.v2 ?? 0) - 300), JSON.stringify(shifted)).toBeLessThanOrEqual(50);

  // By mouse: 70/30 → 0/100.
  const eye = await handle.boundingBox();
  const track = await admin.locator('.ss-track').boundingBox();
  if (!eye || !track) {
    throw new Error('the slider is not drawn');
  }
  await admin.mouse.move(eye.x + eye.width / 2, eye.y + eye.height / 2);
  await admin.mouse.down();
  await admin.mouse.move(track.x + track.width / 3, eye.y, { steps: 5 });
  await admin.mouse.move(track.x, eye.y, { steps: 5 });
  await admin.mouse.up();
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 0 %, v2 100 %');
  await apply(admin);
  expect(await countVersions(1000)).toEqual({ v2: 1000 });

  // Back by one click, to what was written before the second change.
  await admin.getByRole('button', { name: 'Undo this change' }).click();
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 70 %, v2 30 %');
  await expect.poll(onDisk).toBe(written.replace('weight: 100', 'weight: 70').replace('weight: 0 #', 'weight: 30 #'));

  const { sent, failed } = await load.stop();
  expect(failed).toEqual([]);
  expect(sent).toBeGreaterThan(100);
});

test('two people at once: the second sees three values, and nothing is overwritten', async ({ admin, api }) => {
  await admin.goto('/services/default/reviews');
  const handle = admin.getByRole('slider', { name: 'Boundary between v1 and v2' });
  await handle.focus();
  await admin.keyboard.press('PageDown');
  await expect(admin.locator('.cn .state')).toHaveText('Draft, not written');
  const theirs = written.replace('weight: 100', 'weight: 55').replace('weight: 0 #', 'weight: 45 #');
  await writeRule(api, 'reviews', { etag: '*', yaml: theirs });
  await expect(admin.locator('.cn .state')).toHaveText('Changed by somebody else');
  const three = admin.locator('.cn .three');
  await expect(three).toContainText('90 / 10 / 0');
  await expect(three).toContainText('55 / 45 / 0');
  await expect(admin.getByRole('button', { name: 'Apply', exact: true })).toHaveCount(0);
  expect(await onDisk()).toContain('weight: 55');
});
