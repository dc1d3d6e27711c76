import { expect, test } from 'vitest';
import type { LiveObject } from '../../api/generated/types.gen';
import { csvText } from '../../lib/csv';
import { scopeOf } from '../../lib/scope';
import { csvColumns } from './csv-columns';
import { isFound, kindsOf, rowsOf, tally } from './rows';

const object = (kind: string, name: string, more: Partial<LiveObject> = {}): LiveObject => ({
  ref: { kind, group: 'networking.istio.io', namespace: 'shop', name },
  etag: '1',
  state: 'ok',
  findings: { error: 0, warning: 0, info: 0 },
  hosts: [],
  services: [],
  scope: 'services',
  notSupported: false,
  ...more,
});

const reviews = object('VirtualService', 'reviews', { hosts: ['reviews'], services: ['shop/reviews'] });
const broken = object('ServiceEntry', 'alias', { state: 'error' });
const refused = object('DestinationRule', 'zebra', { state: 'rejected' });
const doubtful = object('DestinationRule', 'ratings', { state: 'warning', changed: { at: '', actor: 'mira' } });
const all = [reviews, doubtful, broken, refused];

test('the worst comes first', () => {
  expect(rowsOf(all, {}, scopeOf({})).map((o) => o.ref.name)).toEqual(['zebra', 'alias', 'ratings', 'reviews']);
  expect(tally(all)).toEqual({ all: 4, errors: 2, warnings: 1 });
  expect(kindsOf(all)).toEqual(['DestinationRule', 'ServiceEntry', 'VirtualService']);
});

test('only the namespaces that are looked at', () => {
  expect(rowsOf(all, {}, scopeOf({ ns: 'other' }))).toEqual([]);
});

test.each([
  ['', 4],
  ['reviews', 1],
  ['kind:destinationrule', 2],
  ['kind:destinationrule state:rejected', 1],
  ['host:REVIEWS', 1],
  ['by:mira', 1],
  ['nothing', 0],
  // A word with a colon that is no term is looked for as it stands.
  ['what:ever', 0],
])('%j finds %d', (q, n) => {
  expect(all.filter((o) => isFound(o, { q }))).toHaveLength(n);
});

test('kind and state of the menus', () => {
  expect(all.filter((o) => isFound(o, { kind: 'DestinationRule' }))).toHaveLength(2);
  expect(all.filter((o) => isFound(o, { state: 'wrong' }))).toHaveLength(3);
  expect(all.filter((o) => isFound(o, { state: 'ok' }))).toEqual([reviews]);
});

test('as CSV: what each object acts on, and who changed it last', () => {
  const changed = { at: '2026-11-21T10:00:00Z', actor: '=cmd()' };
  const everywhere = object('PeerAuthentication', 'default', { scope: 'mesh', changed });
  const outside = object('ServiceEntry', 'alias', { hosts: ['a.example', 'b.example'] });
  expect(csvText(csvColumns, [reviews, everywhere, outside]).split('\r\n').slice(0, 4)).toEqual([
    'state,kind,name,namespace,actsOn,errors,warnings,notes,changed,changedBy',
    'ok,VirtualService,reviews,shop,shop/reviews,0,0,0,,',
    "ok,PeerAuthentication,default,shop,mesh,0,0,0,2026-11-21T10:00:00Z,'=cmd()",
    'ok,ServiceEntry,alias,shop,a.example b.example,0,0,0,,',
  ]);
});
