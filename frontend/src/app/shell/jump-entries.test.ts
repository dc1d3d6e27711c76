import { expect, test } from 'vitest';
import { type JumpEntry, jumpEntries, jumpGroups } from './jump-entries';

const say = ((key: string, values?: { name?: string }) => (values?.name ? `${key} ${values.name}` : key)) as never;
const known = (rights: readonly string[]) => ({
  names: {
    namespaces: ['shop'],
    services: [{ namespace: 'shop', name: 'reviews' }],
    workloads: [
      { namespace: 'shop', workload: 'reviews-v1', pod: 'a' },
      { namespace: 'shop', workload: 'reviews-v1', pod: 'b' },
      { namespace: 'shop', workload: '', pod: 'c' },
    ],
    objects: [],
  } as never,
  proxies: [{ id: 'reviews-v1-a.shop', pod: 'reviews-v1-a', namespace: 'shop' }],
  drawn: [{ id: 'service/local/shop/reviews', namespace: 'shop', name: 'reviews' }],
  t: say,
  settings: say,
  can: (right: string) => rights.includes(right),
  dark: false,
});
const find = (entries: readonly JumpEntry[], id: string) => entries.find((entry) => entry.id === id);

test('what can be jumped to, and where it leads', () => {
  const entries = jumpEntries(known(['view', 'editTraffic', 'admin']));
  expect(find(entries, 'proxy reviews-v1-a.shop')?.link).toEqual({
    to: '/proxies/$proxy',
    params: { proxy: 'reviews-v1-a.shop' },
  });
  expect(find(entries, 'change shop/reviews')).toMatchObject({
    label: 'jump.change reviews',
    link: { to: '/change', search: { service: 'shop/reviews' } },
  });
  expect(find(entries, 'page change')).toMatchObject({ group: 'pages', label: 'page.wizard', link: { to: '/change' } });
  expect(find(entries, 'topology service/local/shop/reviews')?.link).toEqual({
    to: '/topology',
    search: { sel: 'service/local/shop/reviews', around: 'service/local/shop/reviews' },
  });
  expect(find(entries, 'settings users')?.link).toEqual({ to: '/settings', search: { tab: 'users' } });
  expect(find(entries, 'page changes')?.link).toEqual({ to: '/changes' });
  expect(find(entries, 'page new')?.link).toEqual({ to: '/rules/new' });
  expect(entries.filter((e) => e.deed).map((e) => e.deed)).toEqual(['theme', 'language', 'signOut']);
  expect(entries.filter((e) => e.group === 'workloads').map((e) => e.label)).toEqual(['reviews-v1']);
});

test('a viewer finds neither the wizard nor what only administrators see', () => {
  const entries = jumpEntries(known(['view']));
  expect(find(entries, 'change shop/reviews')).toBeUndefined();
  expect(find(entries, 'page change')).toBeUndefined();
  expect(find(entries, 'page new')).toBeUndefined();
  expect(find(entries, 'settings users')).toBeUndefined();
  expect(find(entries, 'settings account')).toBeDefined();
});

const service = (label: string, hint = 'shop'): JumpEntry => ({
  id: label,
  group: 'services',
  label,
  hint,
  link: { to: '/services' },
});

test('every word must be met; names that begin so come first', () => {
  const all = [service('old-reviews'), service('reviews'), service('reviews', 'test'), service('ratings')];
  const found = (typed: string) => jumpGroups(all, typed)[0]?.entries.map((e) => `${e.hint}/${e.label}`);
  expect(found('REV shop')).toEqual(['shop/reviews', 'shop/old-reviews']);
  expect(found('nothing')).toBeUndefined();
});

test('of many only some are shown, and how many there are', () => {
  const all = Array.from({ length: 30 }, (_, i) => service(`s${i}`));
  expect(jumpGroups(all, '')[0]).toMatchObject({ more: 26 });
  expect(jumpGroups(all, 's')[0]).toMatchObject({ more: 18 });
});
