import { expect, test } from 'vitest';
import type { MeshFinding } from '../../api/generated/types.gen';
import { csvText } from '../../lib/csv';
import { csvColumns } from './csv-columns';
import { isFound, place, rowsOf, tally } from './rows';

const finding = (severity: string, namespace: string, name: string, code = 'HDL1101'): MeshFinding => ({
  code,
  severity,
  phase: 'check',
  message: `Subset v4 is not defined in DestinationRule ${name}.`,
  ref: { kind: 'VirtualService', namespace, name },
  file: '/etc/mesh/shop/rules.yaml',
  line: 12,
});
const everything = { namespaces: [], window: '5m' } as const;
const findings = new Map([
  ['c', finding('info', 'shop', 'cart')],
  ['b', finding('error', 'web', 'front')],
  ['a', finding('error', 'shop', 'reviews', 'HDL2207')],
]);

test('errors come first, then by namespace', () => {
  const rows = rowsOf(findings, everything);
  expect(rows.map((r) => r.id)).toEqual(['a', 'b', 'c']);
  expect(tally(rows)).toEqual({ error: 2, warning: 0, info: 1 });
  expect(rowsOf(findings, { ...everything, namespaces: ['web'] }).map((r) => r.id)).toEqual(['b']);
});

test('what concerns the whole mesh is seen in each namespace', () => {
  const mesh = new Map([['m', { ...finding('error', '', 'default'), ref: { kind: 'MeshConfig', name: 'default' } }]]);
  expect(rowsOf(mesh, { ...everything, namespaces: ['web'] })).toHaveLength(1);
});

test('each word must be met', () => {
  const [first] = rowsOf(findings, everything);
  const found = (q: string, severity?: string) =>
    first && isFound(first, first.finding.message, { q, ...(severity ? { severity } : {}) });
  expect(found('subset REVIEWS')).toBe(true);
  expect(found('hdl2207')).toBe(true);
  expect(found('subset ratings')).toBe(false);
  expect(found('', 'serious')).toBe(true);
  expect(found('', 'info')).toBe(false);
});

test('the place is short', () => {
  expect(place(finding('error', 'shop', 'cart'))).toBe('rules.yaml:12');
  const { file: _, ...without } = finding('error', 'shop', 'cart');
  expect(place(without)).toBe('');
});

test('as CSV: the sentence as it is read, and where it points', () => {
  const rows = rowsOf(findings, everything).slice(0, 1);
  expect(
    csvText(
      csvColumns((row) => `读：${row.finding.ref.name}`),
      rows,
    ),
  ).toBe(
    'severity,code,finding,kind,name,namespace,field,file,line\r\n' +
      'error,HDL2207,读：reviews,VirtualService,reviews,shop,,/etc/mesh/shop/rules.yaml,12\r\n',
  );
});
