import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
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
  await expect(page.locator('.cn .state')).toHaveText(
    /^(Settled|Acknowledged.*|All \S+ proxies have it|.* requests counted|v\d measured .*)$/,
  );
};

test.beforeEach(async ({ api }) => {
  await writeRule(api, 'reviews', { yaml: written });
});

test.afterEach(async ({ api }) => {
  await writeRule(api, 'reviews', gone);
});

/** Moves the boundary between v1 and v2, which leaves v1 so many percent. */
type Move = (page: Page, handle: Locator, percent: number) => Promise<void>;

const moves = {
  keyboard: async (page, handle, percent) => {
    await handle.focus();
    for (let left = Number(await handle.getAttribute('aria-valuenow')); left > percent; left -= 10) {
      await page.keyboard.press('PageDown');
    }
  },
  mouse: async (page, handle, percent) => {
    const eye = await box(handle);
    const [x, y] = [eye.x + eye.width / 2, eye.y + 6]; // where no other eye stands before it
    await page.mouse.move(x, y);
    await page.mouse.down();
    const track = await box(page.locator('.ss-track'));
    await page.mouse.move(track.x + (track.width * percent) / 100, y, { steps: 5 });
    // The preview takes room from the slider: it waits until the handle is let go.
    await expect(page.getByRole('complementary', { name: 'Preview' })).toHaveCount(0);
    await page.mouse.up();
  },
} satisfies Record<string, Move>;

async function box(of: Locator) {
  const found = await of.boundingBox();
  if (!found) {
    throw new Error('the slider is not drawn');
  }
  return found;
}

const shared = written.replace('weight: 100', 'weight: 70').replace('weight: 0 #', 'weight: 30 #');

for (const [what, move] of Object.entries(moves)) {
  test(`traffic shifts by ${what}, nobody is turned away, and undo restores every byte`, async ({ admin }) => {
    test.setTimeout(120_000);
    await admin.goto('/services/default/reviews');
    const handle = admin.getByRole('slider', { name: 'Boundary between v1 and v2' });
    await expect(handle).toHaveAttribute('aria-valuetext', 'v1 100 %, v2 0 %');
    expect(await onDisk()).toBe(written);
    const load = visitors(50);

    await move(admin, handle, 70);
    await expect(handle).toHaveAttribute('aria-valuetext', 'v1 70 %, v2 30 %');
    await apply(admin);
    expect(await onDisk()).toBe(shared);
    const { v1 = 0, v2 = 0, ...others } = await countVersions(1000);
    expect(others).toEqual({});
    expect(Math.abs(v1 - 700), `v1 got ${v1} of 1000`).toBeLessThanOrEqual(50);
    expect(v1 + v2).toBe(1000);

    await move(admin, handle, 0);
    await expect(handle).toHaveAttribute('aria-valuetext', 'v1 0 %, v2 100 %');
    await apply(admin);
    expect(await countVersions(1000)).toEqual({ v2: 1000 });

    // Back by one click, to what was written before the second change.
    await admin.getByRole('button', { name: 'Undo this change' }).click();
    await expect(handle).toHaveAttribute('aria-valuetext', 'v1 70 %, v2 30 %');
    await expect.poll(onDisk).toBe(shared);

    const { sent, failed } = await load.stop();
    expect(failed).toEqual([]);
    expect(sent).toBeGreaterThan(100);
  });
}

test('where another route takes part, shares are said to be those of all routes, and are never called settled', async ({
  admin,
  api,
}) => {
  const testers = `    - match:
        - headers: {end-user: {exact: jason}}
      route:
        - destination: {host: reviews, subset: v3}
`;
  await writeRule(api, 'reviews', { etag: '*', yaml: written.replace('  http:\n', `  http:\n${testers}`) });
  await admin.goto('/services/default/reviews');
  const handle = admin.getByRole('slider', { name: 'Boundary between v1 and v2' });
  // The first route without a match is the one that is offered.
  await expect(handle).toHaveAttribute('aria-valuetext', 'v1 100 %, v2 0 %');
  const row = admin
    .locator('.cn')
    .getByText(/all routes/i)
    .first();
  await expect(row).toBeVisible();
  await moves.keyboard(admin, handle, 70);
  await apply(admin);
  expect(await onDisk()).toContain(testers);
  expect((await countVersions(200)).failed).toBeUndefined();
  await expect(admin.locator('.cn').getByText(/^[\d,.]+ requests counted since /)).toBeVisible();
  await expect(row).toBeVisible();
  await expect(admin.locator('.cn .state')).toHaveText(/^(Acknowledged|All \S+ proxies have it)$/);
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
