import { expect, test } from 'vitest';

const files = import.meta.glob<Record<string, string>>('../**/*.texts.{en,zh}.json', {
  eager: true,
  import: 'default',
});

/** Plural forms differ between languages; a key stands for all of its forms. */
const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const places = (text: string) => [...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map((m) => m[1]).sort();

const english = Object.keys(files).filter((f) => f.endsWith('.en.json'));

test('there are catalogues', () => {
  expect(english.length).toBeGreaterThan(0);
  expect(Object.keys(files)).toHaveLength(english.length * 2);
});

test.each(english)('%s says the same in Chinese', (file) => {
  const en = files[file] ?? {};
  const zh = files[file.replace('.en.json', '.zh.json')] ?? {};
  const keys = (c: Record<string, string>) => [...new Set(Object.keys(c).map(base))].sort();
  expect(keys(zh)).toEqual(keys(en));
  for (const [key, text] of Object.entries(zh)) {
    const forms = Object.entries(en).filter(([k]) => base(k) === base(key));
    const wanted = forms.find(([k]) => k === key || k.endsWith('_other')) ?? forms[0];
    expect(places(text), `${key}: the places of values`).toEqual(places(wanted?.[1] ?? ''));
    expect(text.trim(), `${key}: no space around a text`).toBe(text);
    expect(text, `${key}: full-width punctuation`).not.toMatch(/[\u4e00-\u9fff][,;:!?]/);
  }
});

test.each(english)('%s has plurals in both forms', (file) => {
  const en = files[file] ?? {};
  for (const key of Object.keys(en)) {
    if (key.endsWith('_one')) {
      expect(en, key).toHaveProperty([`${base(key)}_other`]);
    }
  }
});
