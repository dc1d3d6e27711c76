import { parseAllDocuments, stringify } from 'yaml';
import type { Checked, Manifest, PreviewEntry, Ref, Standing } from '../../api/generated/types.gen';
import { fullName, type ObjectName } from '../../lib/kinds';

/** The texts that are checked, as they are kept in the tab. */
export function readFiles(text: string): Manifest[] {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read)
      ? read.filter((f): f is Manifest => typeof f?.file === 'string' && typeof f?.text === 'string')
      : [];
  } catch {
    return [];
  }
}

/** The name of the text that is pasted rather than read from a file. */
export const pastedName = 'pasted.yaml';

/**
 * Adds files from somebody's machine, which may have one name in several folders: each has a name
 * of its own here, so that no text takes the place of another. The very same file is there once.
 */
export function takeFiles(files: readonly Manifest[], more: readonly Manifest[]): Manifest[] {
  const all = [...files];
  for (const { file, text } of more) {
    const [, stem = file, end = ''] = /^(.+?)(\.[^./]+)?$/.exec(file) ?? [];
    const names = (n: number) => (n === 1 ? file : `${stem} (${n})${end}`);
    const taken = new Set([pastedName, ...all.map((f) => f.file)]);
    let n = 1;
    while (taken.has(names(n)) && !all.some((f) => f.file === names(n) && f.text === text)) {
      n++;
    }
    if (!taken.has(names(n))) {
      all.push({ file: names(n), text });
    }
  }
  return all;
}

/** Adds texts; one of the same name takes the place of the older one. */
export function addFiles(files: readonly Manifest[], more: readonly Manifest[]): Manifest[] {
  const names = new Set(more.map((f) => f.file));
  return [...files.filter((f) => !names.has(f.file)), ...more];
}

/** One object of a file, or a part of it that is no object, with what was found there. */
export interface Part {
  readonly key: string;
  readonly file: string;
  readonly line: number;
  readonly document: Standing | undefined;
  readonly findings: readonly Checked[];
}

export const refKey = (ref: ObjectName): string => `${ref.group ?? ''} ${fullName(ref)}`;

/** What was found, by the objects that it was found in, in their order. */
export function partsOf(documents: readonly Standing[], findings: readonly Checked[]): Part[] {
  const parts = new Map<string, { file: string; line: number; document: Standing | undefined; findings: Checked[] }>();
  for (const d of documents) {
    parts.set(`${d.file} ${refKey(d.ref)}`, { file: d.file, line: d.line, document: d, findings: [] });
  }
  for (const f of findings) {
    const file = f.file ?? '';
    const own = parts.get(`${file} ${refKey(f.ref)}`);
    if (own) {
      own.findings.push(f);
      continue;
    }
    const key = `${file} line ${f.documentLine}`;
    const other = parts.get(key) ?? { file, line: f.documentLine, document: undefined, findings: [] };
    other.findings.push(f);
    parts.set(key, other);
  }
  return [...parts].map(([key, part]) => ({ key, ...part })).sort((a, b) => (a.file === b.file ? a.line - b.line : 0));
}

interface Chunk {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The documents of a text, by their lines. */
function chunksOf(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let lines: string[] = [];
  let from = 1;
  const all = text.split('\n');
  const end = (line: number) => {
    chunks.push({ text: lines.join('\n'), from, to: line });
    lines = [];
  };
  for (const [i, line] of all.entries()) {
    if (/^---(\s|$)/.test(line)) {
      end(i);
      from = i + 2;
    } else {
      lines.push(line);
    }
  }
  end(all.length);
  return chunks;
}

interface Item {
  kind?: unknown;
  metadata?: { name?: unknown; namespace?: unknown };
}

/** The text of one object of a file: its document as it stands, or its item of a List. */
export function documentText(file: Manifest, documents: readonly Standing[], wanted: Standing): string {
  const chunk = chunksOf(file.text).find((c) => wanted.line >= c.from && wanted.line <= c.to);
  if (!chunk) {
    return file.text;
  }
  const inside = documents.filter((d) => d.file === file.file && d.line >= chunk.from && d.line <= chunk.to);
  const isList = /^kind:\s*["']?\w*List\b/m.test(chunk.text) || /^\s*\{/.test(chunk.text);
  if (inside.length <= 1 && !isList) {
    return ended(chunk.text);
  }
  const list = parseAllDocuments(chunk.text)[0];
  const items = ('contents' in (list ?? {}) ? (list?.toJS() as { items?: Item[] } & Item) : {}) ?? {};
  const all = items.items ?? [items];
  const item = all.find(
    (i) =>
      i?.kind === wanted.ref.kind &&
      i.metadata?.name === wanted.ref.name &&
      (!i.metadata?.namespace || i.metadata.namespace === wanted.ref.namespace),
  );
  return item ? stringify(item) : ended(chunk.text);
}

const ended = (text: string) => `${text.replace(/^\n+/, '').trimEnd()}\n`;

/** The change that writes the chosen objects, each on top of what the mesh has. */
export function entriesOf(
  files: readonly Manifest[],
  documents: readonly Standing[],
  chosen: (ref: Ref) => boolean,
): PreviewEntry[] {
  return documents.flatMap((d): PreviewEntry[] => {
    const file = files.find((f) => f.file === d.file);
    if (!file || !chosen(d.ref)) {
      return [];
    }
    return [{ ref: d.ref, ...(d.etag ? { etag: d.etag } : {}), yaml: documentText(file, documents, d) }];
  });
}
