import { siblings, type YamlPlace, yamlPlace } from './yaml-place';

/** What is known of a field: a part of a JSON Schema. */
export interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly additionalProperties?: FieldSchema;
}

/** The description of the field at a path, or undefined where there is no such field. */
export function fieldAt(schema: FieldSchema | undefined, path: readonly string[]): FieldSchema | undefined {
  let at = schema;
  for (const step of path) {
    at = step === '[]' ? at?.items : (at?.properties?.[step] ?? at?.additionalProperties);
  }
  return at;
}

export interface Proposal {
  readonly label: string;
  /** What is put into the text. */
  readonly insert: string;
  /** The type of the field, or what a value is. */
  readonly detail?: string;
  readonly info?: string;
}

/** Values that the mesh knows for a path: hosts, namespaces, gateways. */
export type KnownValues = (path: readonly string[], kind: string | undefined) => readonly string[];

/** How the schemas name their types, for people: "list", "text", and the words of a choice. */
export function typeName(field: FieldSchema): string {
  if (field.enum) {
    return field.enum.filter((v) => v !== 'UNSPECIFIED').join(' | ');
  }
  return field.type === 'array' ? `${field.items?.type ?? 'object'}[]` : (field.type ?? '');
}

/** What could stand at a place: fields that are not there yet, or values. */
export function proposals(
  text: string,
  offset: number,
  schemaOf: (kind: string) => FieldSchema | undefined,
  known: KnownValues = () => [],
): { from: number; proposals: Proposal[] } | null {
  const place = yamlPlace(text, offset);
  const schema = place.kind ? schemaOf(place.kind) : undefined;
  const field = fieldAt(schema, place.path);
  const values = (of: FieldSchema | undefined): Proposal[] => [
    ...(of?.enum ?? (of?.type === 'boolean' ? [true, false] : [])).map((v) => ({
      label: String(v),
      insert: String(v),
    })),
    ...known(place.path, place.kind).map((v) => ({ label: v, insert: v })),
  ];
  if (place.mode === 'value') {
    return found(place, values(field));
  }
  if (!field?.properties) {
    // An item of a list of plain values.
    return found(place, values(field));
  }
  const there = place.flow ? new Set<string>() : siblings(text, offset, place.indent);
  there.delete(place.typed);
  const rest = text.slice(offset).split('\n', 1)[0] ?? '';
  return found(
    place,
    Object.entries(field.properties)
      .filter(([name]) => !there.has(name))
      .map(([name, f]) => ({
        label: name,
        insert: rest.trim() === '' || place.flow ? name + opening(f, place) : name,
        detail: typeName(f),
        ...(f.description ? { info: f.description } : {}),
      })),
  );
}

const found = (place: YamlPlace, all: Proposal[]) => (all.length > 0 ? { from: place.from, proposals: all } : null);

/** What follows the name of a field: the line below where it holds fields or a list. */
function opening(field: FieldSchema, place: YamlPlace): string {
  if (place.flow) {
    return ': ';
  }
  if (field.type === 'array') {
    return `:\n${' '.repeat(place.indent)}- `;
  }
  return field.properties || field.additionalProperties ? `:\n${' '.repeat(place.indent + 2)}` : ': ';
}

const word = /[\w.\-/"']/;

/** What is known of the field that an offset is in. */
export function fieldHelp(
  text: string,
  offset: number,
  schemaOf: (kind: string) => FieldSchema | undefined,
): { name: string; type: string; text: string } | null {
  let end = offset;
  while (end < text.length && word.test(text[end] ?? '')) {
    end++;
  }
  const place = yamlPlace(text, end);
  const path = place.mode === 'key' && place.typed ? [...place.path, place.typed.replace(/["']/g, '')] : place.path;
  const name = path.filter((step) => step !== '[]').at(-1);
  const field = place.kind ? fieldAt(schemaOf(place.kind), path) : undefined;
  if (!field || !name || (!field.description && !field.enum)) {
    return null;
  }
  return { name, type: typeName(field), text: field.description ?? '' };
}
