import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { accessibility, expect, heddle, test } from './mesh';
import { drawn } from './pages';

const cards = (page: Page): Locator => page.locator('[data-card]');
const card = (page: Page, name: string): Locator => page.locator(`[data-card][aria-label^="${name},"]`);

/** The names of the cards that are drawn, in alphabetical order. */
const names = async (page: Page): Promise<string[]> => (await cards(page).locator('.tp-name').allTextContents()).sort();

/** Where each card stands, by its id. */
const places = (page: Page): Promise<Record<string, string>> =>
  cards(page).evaluateAll((all) =>
    Object.fromEntries(all.map((e) => [e.getAttribute('data-card'), (e as HTMLElement).style.transform])),
  );

async function open(page: Page, address = '/topology'): Promise<void> {
  await page.goto(address);
  await drawn(page);
  await expect(cards(page).first()).toBeVisible();
}

test('a bar of the last hour opens the change that was made then', async ({ admin, api }) => {
  test.setTimeout(120_000);
  await open(admin);
  const bars = admin.locator('.tp-tl-bars');
  const says = async () => (await bars.getAttribute('aria-valuetext')) ?? '';
  // At the beginning of a mesh the bar of its first change is still to come.
  await expect(async () => {
    await bars.focus();
    await admin.keyboard.press('End');
    for (let i = 0; i < 120 && !(await says()).endsWith(', 1 change'); i++) {
      await admin.keyboard.press('ArrowLeft');
    }
    expect(await says()).toMatch(/^\d\d:\d\d:\d\d: .+ errors at .+, 1 change$/);
  }).toPass({ timeout: 60_000 });
  const box = await bars.boundingBox();
  const [now, most] = await Promise.all(['aria-valuenow', 'aria-valuemax'].map((name) => bars.getAttribute(name)));
  if (!box) {
    throw new Error('the last hour is not drawn');
  }
  await bars.click({ position: { x: ((Number(now) - 0.5) / Number(most)) * box.width, y: box.height / 2 } });
  await expect(admin).toHaveURL(/\/changes\/\d+/);
  const id = /\/changes\/(\d+)/.exec(admin.url())?.[1];
  expect(await api.json(`/changes/${id}`)).toMatchObject({ id });
});

const passerby = `apiVersion: v1
kind: Service
metadata: {name: passerby, namespace: default}
spec:
  selector: {app: passerby}
  ports: [{name: http, port: 9080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: passerby-v1, namespace: default}
spec:
  selector: {matchLabels: {app: passerby}}
  template:
    metadata: {labels: {app: passerby, version: v1}}
    spec:
      containers: [{name: app, command: [heddle-samples], args: [details, --version=v1]}]
`;

test('who comes finds a free place, who leaves is dashed for a while, and no other card moves', async ({ admin }) => {
  test.setTimeout(90_000);
  await open(admin);
  const before = await places(admin);
  const other = card(admin, 'passerby');
  await expect(other).toHaveCount(0);
  let gone = false;
  await heddle(['apply', '-f', '-'], passerby);
  try {
    await expect(other).toHaveCount(1);
    const { [(await other.getAttribute('data-card')) ?? '']: place = '', ...others } = await places(admin);
    expect(others).toEqual(before);
    expect(Object.values(before)).not.toContain(place);

    // Nobody calls it: it goes with what is idle, and comes back to its place.
    const idle = admin.getByText('Show idle');
    await idle.click();
    await expect(other).toHaveCount(0);
    await expect(card(admin, 'reviews')).toHaveCount(1);
    await expect(admin).toHaveURL(/[?&]hide=idle/);
    await expect(admin.getByText(/^\d+ of \d+ shown$/)).toBeVisible();
    await idle.click();
    await expect(other).toHaveAttribute('style', new RegExp(place.replace(/[().]/g, '\\$&')));

    await heddle(['delete', '-f', '-'], passerby);
    gone = true;
    await expect(other).toHaveClass(/is-gone/, { timeout: 30_000 });
    await expect(other).toHaveAccessibleName(/^passerby, gone since \d\d:\d\d:\d\d$/);
    await expect(other).toHaveCSS('outline-style', 'dashed');
    expect(await places(admin)).toEqual({ ...before, [(await other.getAttribute('data-card')) ?? '']: place });
  } finally {
    if (!gone) {
      await heddle(['delete', '-f', '-'], passerby);
    }
  }
});

test('what is drawn is found, focused, collapsed and arranged, and the address restores it', async ({ admin }) => {
  await open(admin);
  const all = await names(admin);
  const find = admin.getByLabel('Find', { exact: true });
  const said = admin.locator('.tp-find').getByRole('status');

  await find.fill('name ~ rev');
  await expect(said).toHaveText('1 found');
  await expect(cards(admin)).toHaveCount(1);
  await admin.reload();
  await drawn(admin);
  await expect(find).toHaveValue('name ~ rev');
  await expect.poll(() => names(admin)).toEqual(['reviews']);
  await find.fill('version = v2');
  await expect(cards(admin)).toHaveCount(1);
  expect(await names(admin)).toEqual(['reviews']);
  await find.fill('rate > 0.01, error < 50%');
  await expect(said).toHaveText(/^[2-9] found$/);
  await find.fill('rate > 100000');
  await expect(said).toContainText(/^Nothing matches rate > 100000\. The highest rate is .+, at \w+\.$/);
  await find.fill('speed > 1');
  await expect(said).toContainText('There is no field speed.');
  await find.fill('rate > 100000');
  await admin.getByRole('button', { name: 'Show everything' }).click();
  await expect(find).toHaveValue('');
  await expect(cards(admin)).toHaveCount(all.length);

  // Only whom details talks to.
  await card(admin, 'details').focus();
  await admin.keyboard.press('n');
  await expect(admin.getByText('Around details')).toBeVisible();
  await expect.poll(() => names(admin)).toEqual(['details', 'productpage']);
  await admin.reload();
  await drawn(admin);
  await expect.poll(() => names(admin)).toEqual(['details', 'productpage']);
  await admin.getByRole('button', { name: 'Show everything again' }).click();
  await expect(cards(admin)).toHaveCount(all.length);

  // The namespace as one card, by its head and by keyboard.
  await admin.getByTitle('Collapse default').click();
  const whole = admin.locator('[data-card^="ns:"]');
  await expect(whole).toHaveAccessibleName(/^Namespace default, \w+, \d+ entries, collapsed$/);
  await expect(card(admin, 'reviews')).toHaveCount(0);
  await expect(admin).toHaveURL(/[?&]closed=default/);
  await whole.focus();
  await admin.keyboard.press('Enter');
  await expect(cards(admin)).toHaveCount(all.length);

  // A card that was moved stays there, until everything is tidied.
  const details = async () => (await places(admin))[(await card(admin, 'details').getAttribute('data-card')) ?? ''];
  const laid = await details();
  await card(admin, 'details').focus();
  for (let i = 0; i < 3; i++) {
    await admin.keyboard.press('Shift+ArrowDown');
  }
  const moved = await details();
  expect(moved).not.toBe(laid);
  await admin.reload();
  await drawn(admin);
  await expect.poll(details).toBe(moved);
  await admin.getByRole('button', { name: 'Tidy' }).click();
  await expect.poll(details).not.toBe(moved);

  // Three levels of zoom.
  const canvas = admin.getByRole('region', { name: 'Graph of the mesh' });
  const seen = new Set<string>();
  for (let i = 0; i < 10; i++) {
    seen.add(/lod-\w+/.exec((await canvas.getAttribute('class')) ?? '')?.[0] ?? '');
    await admin.getByRole('button', { name: i < 5 ? 'Zoom in' : 'Zoom out' }).click();
  }
  for (let i = 0; i < 8; i++) {
    seen.add(/lod-\w+/.exec((await canvas.getAttribute('class')) ?? '')?.[0] ?? '');
    await admin.getByRole('button', { name: 'Zoom out' }).click();
  }
  expect([...seen].sort()).toEqual(['lod-far', 'lod-middle', 'lod-near']);

  await admin.getByRole('button', { name: 'Workloads', exact: true }).click();
  await expect(card(admin, 'reviews-v1')).toHaveCount(1);
  await expect(card(admin, 'reviews-v3')).toHaveCount(1);
});

test('the table says what the picture says, is sorted, and is saved as CSV', async ({ admin }) => {
  await open(admin);
  const all = await names(admin);
  await admin.keyboard.press('t');
  const rows = admin.locator('tr[data-row]');
  await expect(rows).toHaveCount(all.length);
  const column = () => rows.locator('.tp-row-name').allTextContents();
  await admin.getByRole('button', { name: 'Name', exact: true }).click();
  await expect(admin).toHaveURL(/[?&]sort=name/);
  await expect.poll(column).toEqual([...all].sort((a, b) => a.localeCompare(b)));
  await admin.getByRole('button', { name: 'Name', exact: true }).click();
  await expect.poll(column).toEqual([...all].sort((a, b) => b.localeCompare(a)));
  expect(await accessibility(admin)).toEqual([]);

  const saved = admin.waitForEvent('download');
  await admin.getByRole('button', { name: 'Export' }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toBe('heddle-nodes.csv');
  const [head, ...lines] = (await readFile(await file.path(), 'utf8')).replace('\ufeff', '').trim().split('\r\n');
  expect(head).toMatch(/^state,name,namespace,/);
  expect(lines.map((line) => line.split(',')[1])).toEqual(await column());

  // A row opens the panel of its card, and one of the threads that of its thread.
  await admin.getByRole('button', { name: 'reviews', exact: true }).click();
  const panel = admin.locator('.tp-panel');
  await expect(panel.getByRole('heading', { name: 'reviews' })).toBeVisible();
  await drawn(admin);
  expect(await accessibility(admin)).toEqual([]);
  await admin.getByRole('button', { name: 'Threads', exact: true }).click();
  await rows.filter({ hasText: 'productpage' }).filter({ hasText: 'details' }).locator('.tp-row-name').click();
  await expect(panel).toHaveAccessibleName('productpage → details');
  await drawn(admin);
  expect(await accessibility(admin)).toEqual([]);
});
