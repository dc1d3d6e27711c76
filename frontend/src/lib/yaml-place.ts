/** Where in a YAML text a person is: in the name of a field, or in its value. */
export interface YamlPlace {
  readonly mode: 'key' | 'value';
  /** Names of fields from the top of the document; "[]" is an item of a list. Of a key: where it stands. */
  readonly path: readonly string[];
  /** What is typed of the name or value so far, and where it begins. */
  readonly typed: string;
  readonly from: number;
  /** Columns that the field stands right of the margin. */
  readonly indent: number;
  /** Inside { … } or [ … ]. */
  readonly flow: boolean;
  /** The kind of the document, where it says one. */
  readonly kind: string | undefined;
}

interface Token {
  readonly column: number;
  /** undefined: the dash of a list. */
  readonly key?: string;
}

interface Line {
  readonly tokens: readonly Token[];
  /** What stands behind the dashes, and behind the key if there is one. */
  readonly rest: string;
  readonly restAt: number;
}

const key = /^("[^"]*"|'[^']*'|[^\s#:,{}[\]&*!|>%@`"'-][^\s:,{}[\]]*|-[^\s:,{}[\]]+)\s*:(?=\s|$)/;
const bare = (name: string) => name.replace(/^(["'])(.*)\1$/, '$2');

/** Reads a line: its dashes and its key, each with its column. */
function read(text: string): Line {
  const tokens: Token[] = [];
  let at = text.length - text.trimStart().length;
  for (let dash = /^-(\s+|$)/.exec(text.slice(at)); dash; dash = /^-(\s+|$)/.exec(text.slice(at))) {
    tokens.push({ column: at });
    at += dash[0].length;
  }
  const found = key.exec(text.slice(at));
  if (found) {
    tokens.push({ column: at, key: bare(found[1] ?? '') });
    at += found[0].length;
    at += text.slice(at).length - text.slice(at).trimStart().length;
  }
  return { tokens, rest: text.slice(at), restAt: at };
}

const isNothing = (line: string) => /^\s*(#|$)/.test(line);

/** The fields around a place of a column: lines above it that stand further left. */
function ancestors(lines: readonly string[], own: readonly Token[], column: number, dash: boolean): string[] {
  const path: string[] = [];
  let at = { column, dash };
  const visit = (tokens: readonly Token[]) => {
    for (const token of [...tokens].reverse()) {
      // The dashes of a list may stand below the first letter of its field.
      const holds = token.column < at.column || (at.dash && token.key !== undefined && token.column === at.column);
      if (holds) {
        path.unshift(token.key ?? '[]');
        at = { column: token.column, dash: token.key === undefined };
      }
    }
  };
  visit(own);
  for (let i = lines.length - 1; i >= 0 && (at.column > 0 || at.dash); i--) {
    const line = lines[i] ?? '';
    if (!isNothing(line)) {
      visit(read(line).tokens);
    }
  }
  return path;
}

interface Frame {
  readonly list: boolean;
  key: string | undefined;
}

/** Walks through "{ host: reviews, sub" as far as it is typed. */
function walkFlow(text: string): { path: string[]; inValue: boolean; from: number } | null {
  const frames: Frame[] = [];
  let from = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    const top = frames.at(-1);
    if (quote) {
      quote = c === quote ? '' : quote;
    } else if (c === '"' || c === "'") {
      quote = c;
    } else if (c === '{' || c === '[') {
      frames.push({ list: c === '[', key: undefined });
      from = i + 1;
    } else if (c === '}' || c === ']') {
      frames.pop();
      from = i + 1;
    } else if (c === ',' && top) {
      top.key = undefined;
      from = i + 1;
    } else if (c === ':' && top && !top.list && top.key === undefined && /\s|$/.test(text[i + 1] ?? '')) {
      top.key = bare(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  const top = frames.at(-1);
  if (!top) {
    return null;
  }
  from += text.slice(from).length - text.slice(from).trimStart().length;
  const path = frames.flatMap((f) => (f.list ? ['[]'] : f.key === undefined ? [] : [f.key]));
  return { path, inValue: top.list || top.key !== undefined, from };
}

/** The document around an offset: where it begins, and where it ends. */
function documentAt(text: string, offset: number): { from: number; to: number } {
  let from = 0;
  for (const mark of text.matchAll(/^---.*$/gm)) {
    if (mark.index + 3 > offset) {
      return { from, to: mark.index };
    }
    from = Math.min(text.length, mark.index + mark[0].length + 1);
  }
  return { from, to: text.length };
}

/** The kind that a document says it is. */
export const kindIn = (text: string): string | undefined => /^kind:[ \t]*["']?([\w.]+)/m.exec(text)?.[1];

/** Where an offset of a text is. The text may be half written: only lines above and left of it count. */
export function yamlPlace(text: string, offset: number): YamlPlace {
  const { from: start, to: end } = documentAt(text, offset);
  const lineFrom = Math.max(start, text.lastIndexOf('\n', offset - 1) + 1);
  const before = text.slice(lineFrom, offset);
  const above = text.slice(start, lineFrom).split('\n').slice(0, -1);
  const kind = kindIn(text.slice(start, end));
  const line = read(before);
  const last = line.tokens.at(-1);
  if (last?.key !== undefined) {
    const own = line.tokens.slice(0, -1);
    const path = [...ancestors(above, own, last.column, false), last.key];
    const inside = walkFlow(line.rest);
    if (inside) {
      const from = lineFrom + line.restAt + inside.from;
      return {
        mode: inside.inValue ? 'value' : 'key',
        path: [...path, ...inside.path],
        typed: text.slice(from, offset),
        from,
        indent: last.column,
        flow: true,
        kind,
      };
    }
    const from = lineFrom + line.restAt;
    return { mode: 'value', path, typed: text.slice(from, offset), from, indent: last.column, flow: false, kind };
  }
  const column = line.restAt;
  const path = ancestors(above, line.tokens, column, false);
  const inside = walkFlow(line.rest);
  const from = lineFrom + column + (inside?.from ?? 0);
  return {
    mode: inside?.inValue ? 'value' : 'key',
    path: [...path, ...(inside?.path ?? [])],
    typed: text.slice(from, offset),
    from,
    indent: column,
    flow: inside !== null,
    kind,
  };
}

/** The fields that stand beside a place already. */
export function siblings(text: string, offset: number, indent: number): Set<string> {
  const { from, to } = documentAt(text, offset);
  const lines = text.slice(from, to).split('\n');
  const here = text.slice(from, offset).split('\n').length - 1;
  const found = new Set<string>();
  const take = (line: string): { more: boolean; list: boolean } => {
    if (isNothing(line)) {
      return { more: true, list: false };
    }
    const { tokens } = read(line);
    const first = tokens[0]?.column ?? line.length - line.trimStart().length;
    for (const token of tokens) {
      if (token.column === indent && token.key !== undefined) {
        found.add(token.key);
      }
    }
    return { more: first >= indent, list: tokens[0]?.key === undefined && tokens.length > 0 };
  };
  const own = take(lines[here] ?? '');
  for (let i = here - 1; i >= 0 && own.more; i--) {
    if (!take(lines[i] ?? '').more) {
      break;
    }
  }
  for (let i = here + 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (!isNothing(line) && line.length - line.trimStart().length < indent) {
      break;
    }
    take(line);
  }
  return found;
}
