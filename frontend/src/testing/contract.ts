import { type Answers, Refusal } from './render';

/** What the real API answered to one request: a file of test/contract. */
export interface Fixture {
  name: string;
  /** Its operation of the OpenAPI document, such as add-user. */
  operation: string;
  request: { method: string; path: string; headers?: Record<string, string>; body?: unknown };
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const files = import.meta.glob<Fixture>('../../../test/contract/*.json', { eager: true, import: 'default' });

/** All of them, by name. */
export const fixtures: Fixture[] = Object.values(files).sort((a, b) => (a.name < b.name ? -1 : 1));

/** One of them. */
export function fixture(name: string): Fixture {
  const found = fixtures.find((f) => f.name === name);
  if (!found) {
    throw new Error(`test/contract has no ${name}.json`);
  }
  return found;
}

/** Answers for fakeApi, as the real API gave them. Whatever the search is, the answer is the same. */
export function recorded(...names: string[]): Answers {
  return Object.fromEntries(
    names
      .map(fixture)
      .map(({ request, status, body, headers }) => [
        `${request.method} ${request.path.split('?')[0]}`,
        status < 300 ? (body ?? null) : new Refusal(status, body as Record<string, unknown>, headers),
      ]),
  );
}
