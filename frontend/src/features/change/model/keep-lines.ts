import { type Document, parseDocument } from 'yaml';

/**
 * The text of a changed document, with every line that the change does not concern as it was
 * written. The library writes a document in one style; what differs between that style and the
 * person's is put back, line by line.
 */
export function keepLines(before: string, changed: Document): string {
  const style = {
    lineWidth: 0,
    indentSeq: !/^(\s*)[\w.-]+:[^\S\n]*(#.*)?\n\1- /m.test(before),
    flowCollectionPadding: !/\{\S/.test(before),
  };
  const base = parseDocument(before).toString(style);
  const after = changed.toString(style);
  if (base === before) {
    return after;
  }
  return patched(lines(before), lines(base), lines(after)) ?? after;
}

const lines = (text: string) => text.split('\n');

/** Applies what differs between base and after to the person's lines; undefined where it does not fit. */
function patched(mine: string[], base: string[], after: string[]): string | undefined {
  const toMine = pairs(base, mine);
  const toAfter = pairs(base, after);
  const out: string[] = [];
  let m = 0;
  let b = 0;
  let a = 0;
  while (b < base.length || a < after.length) {
    // The next line that all three share.
    let stop = b;
    while (stop < base.length && (toMine.get(stop) === undefined || toAfter.get(stop) === undefined)) {
      stop++;
    }
    const mineStop = stop < base.length ? (toMine.get(stop) ?? mine.length) : mine.length;
    const afterStop = stop < base.length ? (toAfter.get(stop) ?? after.length) : after.length;
    const same = equal(base.slice(b, stop), after.slice(a, afterStop));
    if (same) {
      out.push(...mine.slice(m, mineStop));
    } else if (equal(base.slice(b, stop), mine.slice(m, mineStop))) {
      out.push(...after.slice(a, afterStop));
    } else {
      return undefined;
    }
    if (stop < base.length) {
      out.push(mine[mineStop] ?? '');
    }
    b = stop + 1;
    m = mineStop + 1;
    a = afterStop + 1;
  }
  return out.join('\n');
}

const equal = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((l, i) => l === b[i]);

/** Which line of b each line of a is: the longest common course. */
function pairs(a: readonly string[], b: readonly string[]): Map<number, number> {
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => length[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found = new Map<number, number>();
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      found.set(i++, j++);
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      i++;
    } else {
      j++;
    }
  }
  return found;
}
