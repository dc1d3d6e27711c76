import { expect, test } from 'vitest';
import { type FieldSchema, fieldHelp, proposals } from './field-help';

const schema: FieldSchema = {
  type: 'object',
  properties: {
    kind: { type: 'string', enum: ['VirtualService'] },
    spec: {
      type: 'object',
      properties: {
        hosts: { type: 'array', items: { type: 'string' }, description: 'Where to.' },
        http: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              timeout: { type: 'string', description: 'How long.' },
              fault: { type: 'object', properties: { abort: { type: 'object' } } },
              mode: { type: 'string', enum: ['UNSPECIFIED', 'A', 'B'], description: 'Which.' },
              on: { type: 'boolean' },
            },
          },
        },
      },
    },
  },
};
const schemaOf = (kind: string) => (kind === 'VirtualService' ? schema : undefined);

function ask(marked: string, known?: Parameters<typeof proposals>[3]) {
  const text = `kind: VirtualService\nspec:\n${marked.replace('|', '')}`;
  return proposals(text, text.length - (marked.length - 1 - marked.indexOf('|')), schemaOf, known)?.proposals;
}

test('fields that are not there yet, with what they need', () => {
  expect(ask('  |')?.map((p) => p.insert)).toEqual(['hosts:\n  - ', 'http:\n  - ']);
  const inItem = ask('  http:\n  - timeout: 1s\n    |');
  expect(inItem?.map((p) => p.label)).toEqual(['fault', 'mode', 'on']);
  expect(inItem?.map((p) => p.insert)).toEqual(['fault:\n      ', 'mode: ', 'on: ']);
  expect(ask('  http:\n  - ti|')?.[0]).toMatchObject({ label: 'timeout', detail: 'string', info: 'How long.' });
});

test('in braces everything stays on the line', () => {
  expect(ask('  http:\n  - { fa|')?.find((p) => p.label === 'fault')?.insert).toBe('fault: ');
});

test('a name that has its value already is only completed', () => {
  expect(ask('  http:\n  - time|: 2s')?.[0]?.insert).toBe('timeout');
});

test('values: choices, yes and no, what the mesh knows', () => {
  expect(ask('  http:\n  - mode: |')?.map((p) => p.label)).toEqual(['UNSPECIFIED', 'A', 'B']);
  expect(ask('  http:\n  - on: |')?.map((p) => p.label)).toEqual(['true', 'false']);
  const hosts = (path: readonly string[]) => (path.join('.') === 'spec.hosts.[]' ? ['reviews'] : []);
  expect(ask('  hosts:\n  - |', hosts)?.map((p) => p.label)).toEqual(['reviews']);
  expect(ask('  hosts: [|', hosts)?.map((p) => p.label)).toEqual(['reviews']);
});

test('another kind is not known', () => {
  expect(proposals('kind: Other\nspec:\n  ', 20, schemaOf)).toBeNull();
});

test('what a field means', () => {
  const text = 'kind: VirtualService\nspec:\n  http:\n  - timeout: 2s\n    mode: A\n';
  expect(fieldHelp(text, text.indexOf('timeout') + 3, schemaOf)).toEqual({
    name: 'timeout',
    type: 'string',
    text: 'How long.',
  });
  expect(fieldHelp(text, text.indexOf('2s'), schemaOf)?.name).toBe('timeout');
  expect(fieldHelp(text, text.indexOf('mode'), schemaOf)?.type).toBe('A | B');
  expect(fieldHelp(text, text.indexOf('spec'), schemaOf)).toBeNull();
});
