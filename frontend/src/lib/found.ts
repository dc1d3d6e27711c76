/** One edit of an object's text, as a finding proposes it. */
export interface FixEdit {
  readonly op: string;
  readonly path: string;
  readonly value?: string;
}

export interface TextSplice {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/** A finding in a text: where, and how to mend it. Lines and columns count from 1. */
export interface Found {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  readonly documentLine: number;
  readonly fix?: readonly FixEdit[] | null;
  readonly splices: readonly TextSplice[] | null;
  /** There may be a fix besides that nobody looked for yet. */
  readonly unsought?: boolean;
}

/** Where a line begins, as an offset; the end of the text for lines behind it. */
export function lineStart(text: string, line: number): number {
  let at = 0;
  for (let i = 1; i < line; i++) {
    const next = text.indexOf('\n', at);
    if (next < 0) {
      return text.length;
    }
    at = next + 1;
  }
  return at;
}

/** The value at a line and column: a quoted one with its quotes, else up to what ends it. */
export function rangeOf(
  text: string,
  found: Pick<Found, 'line' | 'column' | 'documentLine'>,
): {
  from: number;
  to: number;
} {
  const start = lineStart(text, found.line || found.documentLine || 1);
  const newline = text.indexOf('\n', start);
  const line = text.slice(start, newline < 0 ? text.length : newline);
  // The server counts characters, the browser code units.
  const column = [...line].slice(0, Math.max(0, (found.column ?? 0) - 1)).join('').length;
  const lead = found.column ? column : line.length - line.trimStart().length;
  const rest = line.slice(lead);
  const quoted = /^"(?:[^"\\]|\\.)*"|^'(?:[^']|'')*'/.exec(rest)?.[0];
  if (quoted) {
    return { from: start + lead, to: start + lead + quoted.length };
  }
  const dash = /^(?:-\s+)+/.exec(rest)?.[0].length ?? 0;
  const value =
    /^[{[].*|^(?:(?!\s#|: |:$|[,}\]]).)*/
      .exec(rest.slice(dash))?.[0]
      .replace(/\s+#.*$/, '')
      .trimEnd() ?? '';
  return { from: start + lead + dash, to: start + lead + dash + value.length };
}

/** The last name of a field's path: "spec.http[0].route[1].weight" is about the weight. */
export const fieldName = (path: string): string => /([^.[\]"]+)"?\]?(?:\[\d+\])*$/.exec(path)?.[1] ?? path;

export type FixWords =
  | { readonly key: 'use' | 'set'; readonly value: string }
  | { readonly key: 'remove' | 'add'; readonly field: string }
  | { readonly key: 'fix' };

/** What the button of a fix says: what it would write, when that is short. */
export function fixWords({ fix, splices }: Pick<Found, 'fix' | 'splices'>): FixWords {
  const [edit, ...more] = fix ?? [];
  const [splice, ...others] = splices ?? [];
  if (!edit && splice && others.length === 0 && /^(["[]?)[\w.-]{1,28}(["\]]?)$/.test(splice.insert)) {
    return { key: 'use', value: splice.insert }; // a misspelt word, or one of another type
  }
  if (!edit || more.length > 0) {
    return { key: 'fix' };
  }
  const value = (edit.value ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
  const short = value !== '' && value.length <= 28 && !/[\n{}[\]:]/.test(value);
  if (edit.op === 'delete') {
    return { key: 'remove', field: fieldName(edit.path) };
  }
  if (edit.op === 'set' && short) {
    return { key: /^[\d.]+$/.test(value) ? 'set' : 'use', value };
  }
  return edit.op === 'insert' && fieldName(edit.path) ? { key: 'add', field: fieldName(edit.path) } : { key: 'fix' };
}

/** The fixes that can be made in one step: all that do not touch what another one changes. */
export function allFixes(findings: readonly Pick<Found, 'splices'>[]): { splices: TextSplice[]; count: number } {
  const taken: TextSplice[] = [];
  let count = 0;
  for (const { splices } of findings) {
    if (!splices?.length) {
      continue;
    }
    const same = splices.every((s) => taken.some((t) => t.from === s.from && t.to === s.to && t.insert === s.insert));
    const apart = splices.every((s) =>
      taken.every(
        (t) =>
          s.to < t.from ||
          s.from > t.to ||
          (s.from !== s.to && t.from !== t.to && (s.to === t.from || s.from === t.to)),
      ),
    );
    if (same) {
      count++;
    } else if (apart) {
      taken.push(...splices);
      count++;
    }
  }
  return { splices: taken, count };
}

/** Whether a finding says that the text cannot be read as its kind: no force helps against that. */
export const isUnreadable = (code: string): boolean => /^HDL000[1235]$|^HDL1001$/.test(code);
