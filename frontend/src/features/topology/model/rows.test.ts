import { expect, test } from 'vitest';
import { csvText } from '../../../lib/csv';
import { columns, csvColumns, type Row, sorted } from './rows';

const row = (name: string, more: Partial<Row> = {}): Row => ({
  id: name,
  state: 'healthy',
  name,
  namespace: 'shop',
  rate: 10,
  errorShare: 0,
  ...more,
});
const rows = [row('b', { rate: 5 }), row('a', { state: 'failing', rate: undefined }), row('c', { rate: 50 })];

test.each([
  [undefined, 'abc'],
  ['state', 'abc'],
  ['-rate', 'cba'],
  ['rate', 'abc'],
  ['name', 'abc'],
  ['-name', 'cba'],
  ['nonsense', 'abc'],
])('sorted by %s: %s', (sort, order) => {
  expect(
    sorted(rows, sort)
      .map((r) => r.name)
      .join(''),
  ).toBe(order);
});

test('CSV has plain numbers, and what each row of the table has', () => {
  expect(csvText(csvColumns.nodes, [row('a,b', { p95: 12.5, versions: 'v1 v2' })])).toBe(
    'state,name,namespace,requestsPerSecond,bytesPerSecond,errorShare,p95Milliseconds,versions\r\n' +
      'healthy,"a,b",shop,10,,0,12.5,v1 v2\r\n',
  );
  expect(csvText(csvColumns.threads, [row('a', { to: 'b', protocol: 'http' })]).split('\r\n')[1]).toBe(
    'healthy,a,shop,b,http,10,,0,,',
  );
  // The namespace too, and bytes beside requests.
  expect(csvColumns.threads).toHaveLength(columns.threads.length + 2);
});
