import type { Locator, Page } from '@playwright/test';
import { endOf, paste, written } from './editor';
import { expect, test } from './mesh';
import { isThere, removeRule, ruleText, writeRule } from './rule';

const rule = `# Ask Lena before v3.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: default
spec:
  hosts: [reviews]
  http:
    - name: testers
      match:
        - headers: {end-user: {exact: jason}}
      route:
        - destination:
            host: reviews
            subset: v2
    - name: everybody
      route:
        - destination: {host: reviews, subset: v1}
          weight: 90
        - destination: {host: reviews, subset: v3}
          weight: 10
      timeout: 5s
`;
const destination = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: details
  namespace: default
spec:
  host: details
  trafficPolicy:
    loadBalancer:
      simple: ROUND_ROBIN
`;

/** A slip of the pen: at the end of a line something is taken away, and something else typed. */
interface Slip {
  what: string;
  code: string;
  line: string;
  away?: string;
  typed: string;
  /** The line that the finding stands on, where it is another one. */
  on?: string;
  /** What the fix makes of what was typed; what was there before, where it is not said. */
  mended?: string;
  of?: 'DestinationRule';
}

const slips: Slip[] = [
  { what: 'a misspelt kind', code: 'HDL0002', line: 'kind: VirtualService', away: 'ice', typed: 'ise' },
  { what: 'an unknown field', code: 'HDL0003', line: 'timeout: 5s', away: 'out: 5s', typed: 'uot: 5s' },
  { what: 'a number in quotes', code: 'HDL0002', line: 'weight: 90', away: '90', typed: '"90"' },
  {
    what: 'weights that do not come to 100',
    code: 'HDL1104',
    line: 'weight: 90',
    away: '90',
    typed: '30',
    on: '- destination: {host: reviews, subset: v1}',
    mended: '75',
  },
  {
    what: 'a port that the service does not have',
    code: 'HDL2102',
    line: '- destination: {host: reviews, subset: v1}',
    away: '}',
    typed: ', port: {number: 9081}}',
    mended: ', port: {number: 9080}}',
  },
  {
    what: 'the same match twice',
    code: 'HDL1102',
    line: '- headers: {end-user: {exact: jason}}',
    typed: '\n        - headers: {end-user: {exact: jason}}',
    on: '- headers: {end-user: {exact: jason}}',
  },
  {
    what: 'a route that nothing reaches',
    code: 'HDL1101',
    line: 'timeout: 5s',
    typed: '\n    - route: [{destination: {host: reviews}}]',
    on: '- route: [{destination: {host: reviews}}]',
  },
  {
    what: 'a field that is going away',
    code: 'HDL1321',
    line: 'timeout: 5s',
    typed: '\n      fault: {delay: {fixedDelay: 1s, percent: 5}}',
    on: 'fault: {delay: {fixedDelay: 1s, percent: 5}}',
    mended: '\n      fault: {delay: {fixedDelay: 1s, percentage: {value: 5}}}',
  },
  {
    what: 'a service that does not exist',
    code: 'HDL2101',
    line: '- destination: {host: reviews, subset: v1}',
    away: 's, subset: v1}',
    typed: 'z, subset: v1}',
  },
  { what: 'a subset that nobody defines', code: 'HDL2104', line: 'subset: v2', away: 'v2', typed: 'vv2' },
  {
    what: 'the old name of a gateway',
    code: 'HDL2106',
    line: 'hosts: [reviews]',
    typed: '\n  gateways: [mesh, bookinfo-gateway.default.svc.cluster.local]',
    on: 'gateways: [mesh, bookinfo-gateway.default.svc.cluster.local]',
    mended: '\n  gateways: [mesh, default/bookinfo-gateway]',
  },
  {
    what: 'a word that a field does not take',
    code: 'HDL0002',
    line: 'simple: ROUND_ROBIN',
    away: 'IN',
    typed: 'EN',
    of: 'DestinationRule',
  },
];

/** The line that a note stands below. */
const lineOf = (note: Locator): Promise<string> =>
  note.evaluate((e) => {
    let at = e.previousElementSibling;
    while (at && !at.classList.contains('cm-line')) {
      at = at.previousElementSibling;
    }
    return at?.textContent?.trim() ?? '';
  });

/**
 * Gives a wait until what the page says is about the text as it stands: the check is asked only when
 * typing pauses, and until its answer the page shows the findings of the text before.
 */
function checks(page: Page, editor: Locator): () => Promise<void> {
  let last: string | undefined;
  page.on('response', (answer) => {
    if (new URL(answer.url()).pathname === '/api/v1/check' && answer.ok()) {
      last = (answer.request().postDataJSON() as { manifests: { text: string }[] }).manifests[0]?.text;
    }
  });
  return async () => {
    await expect.poll(async () => last === (await written(editor))).toBe(true);
    await expect(page.getByText('Checking …')).toHaveCount(0);
  };
}

test('a mistake is seen on its line while typing, and one click mends it', async ({ admin }) => {
  test.setTimeout(120_000);
  const editor = admin.locator('.cm-content');
  const notes = editor.locator('.cm-note-w');
  const checked = checks(admin, editor);
  const texts = { VirtualService: rule, DestinationRule: destination };
  let open = '';
  for (const slip of slips) {
    await test.step(slip.what, async () => {
      const kind = slip.of ?? 'VirtualService';
      if (open !== kind) {
        await admin.goto(`/rules/new?of=${kind}`);
        open = kind;
      }
      const right = texts[kind].trimEnd();
      await editor.press('ControlOrMeta+a');
      await paste(editor, right);
      await checked();
      expect(await written(editor)).toBe(right);
      await expect(notes).toHaveCount(0);
      await endOf(admin, editor, slip.line);
      for (const _ of slip.away ?? '') {
        await admin.keyboard.press('Backspace');
      }
      if (slip.typed.includes('\n')) {
        await paste(editor, slip.typed);
      } else {
        await admin.keyboard.type(slip.typed);
      }
      const note = editor.locator(`.cm-note-w[data-code="${slip.code}"]`);
      const fix = note.getByRole('button');
      await expect(fix).toHaveCount(1);
      const typed = slip.line.slice(0, slip.line.length - (slip.away ?? '').length) + slip.typed;
      expect(await lineOf(note)).toBe(slip.on ?? typed);
      await fix.click();
      await expect(note).toHaveCount(0);
      await checked();
      const begun = slip.line.slice(0, slip.line.length - (slip.away ?? '').length);
      expect(await written(editor)).toContain(begun + (slip.mended ?? slip.away ?? ''));
      if (slip.mended === undefined) {
        expect(await written(editor)).toBe(right);
      }
      await expect(notes).toHaveCount(0);
    });
  }
});

test.describe('a rule that is in the mesh', () => {
  test.beforeEach(async ({ api }) => {
    await writeRule(api, 'reviews', { yaml: rule });
  });

  test.afterEach(async ({ api }) => {
    await removeRule(api, 'reviews');
  });

  // What comes too late is refused, what is deleted is not found, and the browser says so on its console.
  test.use({ mayComplain: /status of 412 .*\/api\/v1\/changes$|status of 404 .*\/default\/reviews$/ });

  test('what two people write at once is merged, and nothing is lost', async ({ admin, api }) => {
    await admin.goto('/rules/VirtualService/default/reviews');
    const editor = admin.locator('.cm-content');
    await endOf(admin, editor, 'timeout: 5s');
    await admin.keyboard.press('Backspace');
    await admin.keyboard.press('Backspace');
    await admin.keyboard.type('7s');
    await endOf(admin, editor, 'name: testers');
    await admin.keyboard.type(' # mine');
    await admin.getByRole('button', { name: 'Preview and save' }).click();
    const preview = admin.getByRole('complementary', { name: 'Preview' });
    await expect(preview.getByRole('button', { name: 'Apply', exact: true })).toBeEnabled();

    // Somebody else writes another line, and one of the same.
    const theirs = rule.replace('timeout: 5s', 'timeout: 9s').replace('# Ask Lena', '# Ask Lena and Kofi');
    await writeRule(api, 'reviews', { etag: '*', yaml: theirs });
    await expect(admin.getByText(/changed this object/)).toBeVisible();
    await preview.getByRole('button', { name: 'Apply', exact: true }).click();
    const block = preview.getByRole('group', { name: 'Conflict 1' });
    await expect(block).toBeVisible();
    await expect(preview).toContainText('Nothing of theirs is lost and nothing of yours is written.');
    expect(await ruleText(api, 'reviews')).toBe(theirs);
    await expect(preview.locator('.pv-two')).toContainText('timeout: 7s');
    await expect(preview.locator('.pv-two')).toContainText('timeout: 9s');
    await block.getByRole('button', { name: 'Mine' }).click();
    await preview.getByRole('button', { name: 'Go on with the merged text' }).click();
    await preview.getByRole('button', { name: 'Apply', exact: true }).click();
    await expect(admin.getByText('Written.')).toBeVisible();
    const both = rule
      .replace('timeout: 5s', 'timeout: 7s')
      .replace('name: testers', 'name: testers # mine')
      .replace('# Ask Lena', '# Ask Lena and Kofi');
    expect(await ruleText(api, 'reviews')).toBe(both);
    expect(await written(editor)).toBe(both);
  });

  test('who deletes a rule with traffic types its name first', async ({ admin, api }) => {
    await admin.goto('/rules/VirtualService/default/reviews');
    await admin.getByRole('button', { name: 'Delete', exact: true }).click();
    const dialog = admin.getByRole('dialog', { name: /^Delete .*reviews/ });
    await expect(dialog).toContainText(/\d.* go where .*reviews acts/);
    const sure = dialog.getByRole('button', { name: 'Delete', exact: true });
    await expect(sure).toBeDisabled();
    await dialog.getByLabel('Type reviews to confirm').fill('review');
    await expect(sure).toBeDisabled();
    await dialog.getByLabel('Type reviews to confirm').fill('reviews');
    await sure.click();
    await expect(admin).toHaveURL(/\/changes\/\w+/);
    expect(await isThere(api, 'reviews')).toBe(false);
    await admin.getByRole('button', { name: 'Undo this change' }).click();
    await expect.poll(() => isThere(api, 'reviews')).toBe(true);
    expect(await ruleText(api, 'reviews')).toBe(rule);
  });
});
