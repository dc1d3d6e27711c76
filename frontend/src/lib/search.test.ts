import { expect, test } from 'vitest';
import { list, oneOf, parseSearch, stringifySearch } from './search';

test('an address can be read, and read back', () => {
  const text = stringifySearch({ ns: ['shop', 'web'], q: 'rate > 10', sort: '', hidden: false, page: undefined });
  expect(text).toBe('?ns=shop,web&q=rate+%3E+10');
  expect(parseSearch(text)).toEqual({ ns: 'shop,web', q: 'rate > 10' });
  expect(list('shop,web')).toEqual(['shop', 'web']);
  expect(list(undefined)).toEqual([]);
  expect(stringifySearch({})).toBe('');
});

test('a word that is not allowed gives the first', () => {
  expect(oneOf(['live', '1m'], '1m')).toBe('1m');
  expect(oneOf(['live', '1m'], 'nonsense')).toBe('live');
});
