import { expect, test } from 'vitest';

const files = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../api/generated/**'], {
  eager: true,
  query: '?raw',
  import: 'default',
});

/** Where a file lies: app, api, features/topology, ui, lib, i18n, testing, or '' for main.tsx. */
const area = (path: string) => /^(features\/[^/]+|[^/]+)\//.exec(path)?.[1] ?? '';

const allowed: [from: RegExp, to: RegExp, why: string][] = [
  [/^(app|testing)?$/, /./, ''],
  [/^features\//, /^(parts|api|ui|lib|i18n)$/, 'a feature stands alone; app puts features together'],
  [/^parts$/, /^(api|ui|lib|i18n)$/, 'parts are what several features show and ask: they know no feature'],
  [/^ui$/, /^(lib|i18n)$/, 'ui draws what it is given, and asks nobody'],
  [/^api$/, /^(lib|i18n)$/, 'api knows nothing of what is drawn'],
  [/^i18n$/, /^lib$/, 'texts need nothing but pure functions'],
  [/^lib$/, /^$/, 'lib is pure'],
];

// Types of the API are no more than the shape of what is drawn: anybody may name them.
const types = /import type [^;]*? from '[./]*\/api\/generated\/types\.gen';/g;

/** What a file imports of the others here; what lies beside src belongs to no layer. */
function imports(path: string, source: string): string[] {
  const found = [...source.replaceAll(types, '').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    (m) => m[1] ?? '',
  );
  return found
    .map((to) => new URL(to, `file:///src/${path}`).pathname)
    .filter((to) => to.startsWith('/src/'))
    .map((to) => to.slice('/src/'.length));
}

test('imports keep to the layers: app → features → parts → ui, api, lib', () => {
  const wrong: string[] = [];
  for (const [file, source] of Object.entries(files)) {
    const path = file.replace('../', '').replace(/^\.\//, 'testing/');
    const test = /\.test\.tsx?$/.test(path);
    for (const target of imports(path, source)) {
      const from = area(path);
      const to = area(target);
      if (from === to || (test && to === 'testing')) {
        continue;
      }
      const rule = allowed.find(([f]) => f.test(from));
      if (!rule?.[1].test(to)) {
        wrong.push(`${path} imports ${target}: ${rule?.[2] ?? 'no rule'}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('files are short enough to read', () => {
  const long = Object.entries(files).filter(([, source]) => source.split('\n').length > 600);
  expect(long.map(([file]) => file)).toEqual([]);
});

test('nothing that the content security policy forbids', () => {
  const bad = Object.entries(files).filter(
    ([file, source]) =>
      !file.endsWith('boundaries.test.ts') && /new Function|\beval\(|<style|innerHTML\s*=/.test(source),
  );
  expect(bad.map(([file]) => file)).toEqual([]);
});
