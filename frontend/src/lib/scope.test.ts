import { expect, test } from 'vitest';
import { changeInScope, scopeOf } from './scope';

const change = (namespace?: string) => ({ entries: [{ ref: namespace ? { namespace } : {} }] });

test('a change is of its objects’ namespaces; one of the whole mesh of each', () => {
  const shop = scopeOf({ ns: 'shop,bank' });
  expect(changeInScope(shop, change('bank'))).toBe(true);
  expect(changeInScope(shop, change('games'))).toBe(false);
  expect(changeInScope(shop, change())).toBe(true);
  expect(changeInScope(shop, { entries: null })).toBe(false);
  expect(changeInScope(scopeOf({}), change('games'))).toBe(true);
});
