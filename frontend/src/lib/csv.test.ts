import { expect, test } from 'vitest';
import { csvField, csvText } from './csv';

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  [' =1+1', "' =1+1"],
  ['\t=1+1', `"'\t'=1+1"`],
  ['\r=1+1', '"\'\r=1+1"'],
  ['\n=1+1', '"\'\n=1+1"'],
  ['＝1+1', "'＝1+1"],
  ['a;=1+1;b', `"a;'=1+1;b"`],
  ['a; @SUM(A1)', `"a; '@SUM(A1)"`],
  ['a\t=1+1', `"a\t'=1+1"`],
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
])('no spreadsheet runs %j', (text, field) => {
  expect(csvField(text)).toBe(field);
});

test.each([
  [-3, '-3'],
  [0.25, '0.25'],
  [undefined, ''],
  ['v1 - v2', 'v1 - v2'],
  ['a,b', '"a,b"'],
  ['a; b', '"a; b"'],
  ['say "x"', '"say ""x"""'],
  ['two\nlines', '"two\nlines"'],
])('%j stands as it is', (value, field) => {
  expect(csvField(value)).toBe(field);
});

test('heads first, then the rows, each with all its fields', () => {
  const columns = [
    { head: 'name', of: (r: { name: string; rate?: number }) => r.name },
    { head: 'requestsPerSecond', of: (r: { name: string; rate?: number }) => r.rate },
  ];
  expect(csvText(columns, [{ name: 'a', rate: 1.5 }, { name: 'b' }])).toBe('name,requestsPerSecond\r\na,1.5\r\nb,\r\n');
});
