/** Something to say about a place in a text. Offsets are in UTF-16 code units. */
export interface CodeNote {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly text: string;
  /** A fix of one click, and what its button says. */
  readonly fix?: { readonly label: string; readonly splices: readonly Splice[] };
  /** Other ways out, which the page goes. */
  readonly actions?: readonly CodeAction[];
}

export interface CodeAction {
  readonly label: string;
  /** Differs for what is another action in spite of its label. */
  readonly key: string;
  readonly onPick: () => void;
}

export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/** The smallest change of one text into another: what lies between their equal ends. */
export function splice(before: string, after: string): Splice | null {
  if (before === after) {
    return null;
  }
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) {
    start++;
  }
  let end = 0;
  while (
    end < most - start &&
    before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)
  ) {
    end++;
  }
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}

/** A text with all splices made; they do not overlap. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  let out = text;
  for (const s of [...splices].sort((a, b) => b.from - a.from || b.to - a.to)) {
    out = out.slice(0, s.from) + s.insert + out.slice(s.to);
  }
  return out;
}
