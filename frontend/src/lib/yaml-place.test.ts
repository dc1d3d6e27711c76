import { expect, test } from 'vitest';
import { kindIn, siblings, yamlPlace } from './yaml-place';

/** A text with | where the cursor is. */
function at(text: string) {
  const offset = text.indexOf('|');
  return { text: text.replace('|', ''), offset };
}

const place = (marked: string) => {
  const { text, offset } = at(marked);
  const { mode, path, typed } = yamlPlace(text, offset);
  return `${mode} ${path.join('.')} ${typed}`.trim();
};

const head = 'kind: VirtualService\nspec:\n  http:\n';

test.each([
  ['|', 'key'],
  ['spe|', 'key  spe'],
  ['kind: Vir|', 'value kind Vir'],
  ['spec:\n  ho|', 'key spec ho'],
  ['spec:\n  hosts:\n  - re|', 'key spec.hosts.[] re'],
  [`${head}  - ro|`, 'key spec.http.[] ro'],
  [`${head}  - match:\n    ro|`, 'key spec.http.[] ro'],
  [`${head}  - match:\n    - ur|`, 'key spec.http.[].match.[] ur'],
  [`${head}  - match:\n    - uri:\n        pre|`, 'key spec.http.[].match.[].uri pre'],
  [`${head}  - match:\n    - uri:\n        prefix: /a|`, 'value spec.http.[].match.[].uri.prefix /a'],
  // Lists may be indented, or not.
  [
    `${head}    - route:\n        - destination:\n            host: rev|`,
    'value spec.http.[].route.[].destination.host rev',
  ],
  [`${head}  - route:\n    - destination: { host: reviews, sub|`, 'key spec.http.[].route.[].destination sub'],
  [
    `${head}  - route:\n    - destination: { host: reviews, subset: v|`,
    'value spec.http.[].route.[].destination.subset v',
  ],
  ['spec:\n  hosts: [rev|', 'value spec.hosts.[] rev'],
  ['spec:\n  ports:\n  - { number: 443, na|', 'key spec.ports.[] na'],
  // Comments and empty lines are no parents.
  [`${head}  # first\n\n  - name: a\n    |`, 'key spec.http.[]'],
  // Only the document of the cursor counts.
  ['spec:\n  a: 1\n---\n  |', 'key'],
  ['a: 1\n---\nspec:\n  x|', 'key spec x'],
  // What stands in quotes.
  ['spec:\n  "a b":\n    c|', 'key spec.a b c'],
  ['metadata:\n  annotations:\n    heddle.dev/x: y|', 'value metadata.annotations.heddle.dev/x y'],
])('%j is %j', (text, want) => expect(place(text)).toBe(want));

test('the kind of the document', () => {
  expect(kindIn('apiVersion: v1\nkind: "Sidecar"\n')).toBe('Sidecar');
  const { text, offset } = at('kind: A\n---\nkind: B\nspec:\n  |\n---\nkind: C\n');
  expect(yamlPlace(text, offset).kind).toBe('B');
});

test('fields that are there already', () => {
  const { text, offset } = at(`${head}  - name: a\n    timeout: 2s\n    |\n    route:\n    - weight: 1\n  - match:\n`);
  expect([...siblings(text, offset, 4)].sort()).toEqual(['name', 'route', 'timeout']);
});
