/**
 * What stands behind the question mark of an address, as plain text: `?ns=shop,web&sort=-rate`
 * can be read, typed and shared. Lists are joined by commas; numbers and flags are text, which
 * each page reads as it needs.
 */
export type Search = Record<string, string | undefined>;

export function parseSearch(search: string): Search {
  return Object.fromEntries(new URLSearchParams(search));
}

/** Writes what is set; nothing stands in the address for what is not. */
export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(',') : value;
    if (text !== undefined && text !== null && text !== '' && text !== false) {
      params.set(key, String(text));
    }
  }
  // A comma needs no escape in a query, and is easier to read without one.
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
  return text ? `?${text}` : '';
}

/** The parts of a list in an address. */
export const list = (text: string | undefined): string[] => (text ? text.split(',').filter(Boolean) : []);

/** One of the allowed words, or the first of them. */
export function oneOf<const T extends string>(allowed: readonly [T, ...T[]], text: unknown): T {
  return allowed.find((a) => a === text) ?? allowed[0];
}
