import { expect, test } from 'vitest';
import type { Checked, Standing } from '../../api/generated/types.gen';
import { addFiles, documentText, entriesOf, partsOf, readFiles, takeFiles } from './files';

const ref = (kind: string, name: string) => ({ group: 'networking.istio.io', kind, namespace: 'shop', name });
const standing = (file: string, line: number, kind: string, name: string, etag?: string): Standing => ({
  file,
  line,
  ref: ref(kind, name),
  state: etag ? 'changed' : 'new',
  ...(etag ? { etag } : {}),
});
const finding = (file: string, documentLine: number, name: string, code = 'HDL1'): Checked => ({
  code,
  severity: 'error',
  phase: 'check',
  message: code,
  file,
  documentLine,
  ref: ref('VirtualService', name),
  sameAs: [],
  splices: [],
  elsewhere: [],
});

test('files are read back, and nonsense is nothing', () => {
  const files = [{ file: 'a.yaml', text: 'x' }];
  expect(readFiles(JSON.stringify(files))).toEqual(files);
  expect(readFiles('')).toEqual([]);
  expect(readFiles('{"a":1}')).toEqual([]);
  expect(addFiles(files, [{ file: 'a.yaml', text: 'y' }])).toEqual([{ file: 'a.yaml', text: 'y' }]);
});

test('files of one name are texts of their own, and the same one is there once', () => {
  const named = (names: string[]) => names.map((file, i) => ({ file, text: `kind: ${i}` }));
  const taken = takeFiles([], named(['x.yaml', 'x.yaml', 'LICENSE', 'LICENSE', 'x.yaml']));
  expect(taken.map((f) => f.file)).toEqual(['x.yaml', 'x (2).yaml', 'LICENSE', 'LICENSE (2)', 'x (3).yaml']);
  expect(taken.map((f) => f.text)).toEqual(['kind: 0', 'kind: 1', 'kind: 2', 'kind: 3', 'kind: 4']);
  expect(takeFiles(taken, named(['x.yaml', 'x.yaml']))).toEqual(taken);
  expect(takeFiles([], named(['pasted.yaml'])).map((f) => f.file)).toEqual(['pasted (2).yaml']);
});

const text =
  '# first\nkind: VirtualService\nmetadata:\n  name: a\n---\n\nkind: DestinationRule # second\nmetadata: {name: b}\n';
const documents = [standing('f', 2, 'VirtualService', 'a', '7'), standing('f', 7, 'DestinationRule', 'b')];

test('each object is written with its own text, comments kept', () => {
  expect(entriesOf([{ file: 'f', text }], documents, () => true)).toEqual([
    { ref: ref('VirtualService', 'a'), etag: '7', yaml: '# first\nkind: VirtualService\nmetadata:\n  name: a\n' },
    { ref: ref('DestinationRule', 'b'), yaml: 'kind: DestinationRule # second\nmetadata: {name: b}\n' },
  ]);
  expect(entriesOf([{ file: 'f', text }], documents, (r) => r.name === 'b')).toHaveLength(1);
});

test('items of a list become objects of their own', () => {
  const list =
    'kind: List\nitems:\n- kind: VirtualService\n  metadata: {name: a}\n- kind: DestinationRule\n  metadata: {name: b}\n';
  const of = [standing('f', 3, 'VirtualService', 'a'), standing('f', 5, 'DestinationRule', 'b')];
  const [, second] = of;
  expect(second && documentText({ file: 'f', text: list }, of, second)).toBe(
    'kind: DestinationRule\nmetadata:\n  name: b\n',
  );
});

test('findings stand with their object; what is no object stands by its line', () => {
  const parts = partsOf(documents, [
    finding('f', 2, 'a'),
    finding('f', 12, '', 'HDL0001'),
    finding('f', 12, '', 'HDL0002'),
  ]);
  expect(parts.map((p) => [p.document?.ref.name, p.line, p.findings.map((f) => f.code)])).toEqual([
    ['a', 2, ['HDL1']],
    ['b', 7, []],
    [undefined, 12, ['HDL0001', 'HDL0002']],
  ]);
});
