import { expect, test } from 'vitest';
import { columns, csv, csvField, type Row, sorted } from './rows';

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

test('CSV has plain numbers, and no field that a spreadsheet would run', () => {
  expect(csv('nodes', [row('a,b', { p95: 12.5, versions: 'v1 v2' })])).toBe(
    'state,name,namespace,requestsPerSecond,bytesPerSecond,errorShare,p95Milliseconds,versions\r\n' +
      'healthy,"a,b",shop,10,,0,12.5,v1 v2\r\n',
  );
  expect(csv('threads', [row('a', { to: 'b', protocol: 'http' })]).split('\r\n')[1]).toBe(
    'healthy,a,shop,b,http,10,,0,,',
  );
  expect(csvField('=1+1')).toBe("'=1+1");
  expect(csvField('say "x"')).toBe('"say ""x"""');
  expect(csvField(-3)).toBe('-3');
  expect(columns.threads).toContain('mtls');
});
