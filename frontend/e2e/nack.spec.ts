import { expect, fresh, test } from './mesh';
import { drawn } from './pages';
import { withPicky } from './picky';
import { gone, writeRule } from './rule';

// Nothing is wrong with this rule, except that its regular expression is larger, once compiled,
// than Envoy takes.
const refused = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: refused
  namespace: default
spec:
  hosts: [details]
  http:
    - match:
        - uri: {regex: '${'\\pL{999}'.repeat(8)}'}
      route:
        - destination: {host: details}
`;
const other = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: goes-on
  namespace: default
spec:
  hosts: [ratings]
  http:
    - timeout: 9s
      route:
        - destination: {host: ratings}
`;
/** Envoy's own words. */
const words = /program size/;

test('what Envoy rejects is shown with its words wherever it matters', async ({ admin, api }) => {
  test.setTimeout(120_000);
  const change = await writeRule(api, 'refused', { yaml: refused });
  try {
    // The apply step.
    await admin.goto(`/changes/${change}`);
    await drawn(admin);
    const said = admin.getByRole('listitem').filter({ hasText: 'Envoy said:' }).first();
    await expect(said.locator('q')).toContainText(words);
    await expect(said).toContainText('This change caused it. The proxy goes on with its former configuration.');
    await expect(said.getByRole('link', { name: 'refused' })).toBeVisible();

    // The proxy, from there.
    await said.getByRole('link', { name: 'Show what was rejected' }).click();
    await expect(admin.getByRole('img', { name: 'Virtual hosts rejected' })).toBeVisible();
    await expect(admin.locator('q').filter({ hasText: words })).toBeVisible();
    await expect(admin.getByRole('link', { name: 'Fix it' })).toHaveAttribute(
      'href',
      /^\/rules\/VirtualService\/default\/refused/,
    );
    await admin.goto('/proxies?state=rejected');
    await drawn(admin);
    await expect(admin.locator('q').filter({ hasText: words }).first()).toBeVisible();
    await expect(admin.getByRole('link', { name: 'VirtualService default/refused' }).first()).toBeVisible();

    // The object.
    await admin.goto('/rules?state=rejected');
    await drawn(admin);
    await expect(admin.getByRole('img', { name: 'Rejected by a proxy' })).toBeVisible();
    await admin.getByRole('link', { name: 'VirtualService default/refused' }).click();
    await expect(admin.getByText(words).first()).toBeVisible();

    // The finding.
    await admin.goto('/findings');
    await drawn(admin);
    await expect(admin.getByRole('row').filter({ hasText: words }).filter({ hasText: 'refused' })).toBeVisible();

    // Other changes go on.
    const next = await writeRule(api, 'goes-on', { yaml: other });
    try {
      await admin.goto(`/changes/${next}`);
      await drawn(admin);
      await expect(admin.getByText(/^\d+ acknowledged, 0 pending, 0 rejected$/)).toBeVisible();
    } finally {
      await writeRule(api, 'goes-on', gone);
    }
  } finally {
    await writeRule(api, 'refused', gone);
  }

  // Mended: all clear.
  await admin.goto('/proxies');
  await drawn(admin);
  await expect(admin.getByRole('img', { name: /rejected$/ })).toHaveCount(0);
  await expect(admin.getByText(/^\d+ rejected$/)).toHaveCount(0);
  await fresh(admin);
  await admin.goto('/findings');
  await drawn(admin);
  await expect(admin.getByText(words)).toHaveCount(0);
  await admin.goto('/');
  await drawn(admin);
  await expect(admin.getByText(/rejected (its|their) configuration/)).toHaveCount(0);
});

/** Every Envoy takes this, and the picky proxy everything but this note. */
const noted = (note: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: noted
  namespace: default
spec:
  hosts: [details]
  http:
    - headers: {request: {set: {x-note: ${note}}}}
      route:
        - destination: {host: details}
`;

test('what one proxy alone rejects is told of that proxy, in the words that it gave', async ({ admin, api }) => {
  test.setTimeout(120_000);
  const said = 'Not to my taste: almonds are bitter (picky, 4711)';
  await withPicky(api, { text: 'bitter-almond', words: said }, async (picky) => {
    const change = await writeRule(api, 'noted', { yaml: noted('bitter-almond') });
    try {
      // The apply step: one of them has rejected it, all others have it.
      await admin.goto(`/changes/${change}`);
      await drawn(admin);
      await expect(admin.getByText('6 acknowledged, 0 pending, 1 rejected')).toBeVisible();
      const row = admin.getByRole('listitem').filter({ hasText: picky });
      await expect(row.locator('q')).toHaveText(said);
      await expect(row).toContainText('This change caused it. The proxy goes on with its former configuration.');
      await expect(row.getByRole('link', { name: 'noted' })).toBeVisible();

      // The proxy.
      await row.getByRole('link', { name: 'Show what was rejected' }).click();
      await expect(admin).toHaveURL(new RegExp(`/proxies/${picky}`));
      await expect(admin.getByRole('img', { name: 'Virtual hosts rejected' })).toBeVisible();
      await expect(admin.locator('q').filter({ hasText: said })).toBeVisible();
      await expect(admin.getByRole('link', { name: 'Fix it' })).toHaveAttribute(
        'href',
        /^\/rules\/VirtualService\/default\/noted/,
      );
      await admin.goto('/proxies?state=rejected');
      await drawn(admin);
      await expect(admin.getByRole('link', { name: picky.replace(/\.default$/, ''), exact: true })).toBeVisible();
      await expect(admin.getByRole('img', { name: 'Virtual hosts rejected' })).toHaveCount(1);

      // The object, and the finding.
      await admin.goto('/rules/VirtualService/default/noted');
      await drawn(admin);
      await expect(admin.getByText('A proxy rejects what this object makes.')).toBeVisible();
      await expect(admin.locator('q.said')).toHaveText(said);
      await admin.goto('/findings');
      await drawn(admin);
      await expect(admin.getByRole('row').filter({ hasText: said }).filter({ hasText: 'noted' })).toBeVisible();

      // Another note is taken by all, and everything that was said of this one is gone.
      const next = await writeRule(api, 'noted', { etag: '*', yaml: noted('sweet-almond') });
      await expect(admin.getByRole('row').filter({ hasText: said })).toHaveCount(0);
      await admin.goto(`/changes/${next}`);
      await drawn(admin);
      await expect(admin.getByText('7 acknowledged, 0 pending, 0 rejected')).toBeVisible();
      await admin.goto(`/proxies/${picky}`);
      await drawn(admin);
      await expect(admin.getByRole('img', { name: 'Virtual hosts rejected' })).toHaveCount(0);
      await expect(admin.getByText(said)).toHaveCount(0);
      await admin.goto('/rules/VirtualService/default/noted');
      await drawn(admin);
      await expect(admin.getByText('A proxy rejects what this object makes.')).toHaveCount(0);
      await admin.goto('/');
    } finally {
      await writeRule(api, 'noted', gone);
    }
  });
});
