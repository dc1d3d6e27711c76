/** One line of a diff between two texts, or a run of lines that are alike in both. */
export type DiffLine =
  | { readonly kind: 'same'; readonly text: string; readonly before: number; readonly after: number }
  | { readonly kind: 'removed'; readonly text: string; readonly before: number }
  | { readonly kind: 'added'; readonly text: string; readonly after: number }
  | { readonly kind: 'kept'; readonly count: number };

const split = (text: string): string[] => {
  const lines = text.split('\n');
  if (lines.at(-1) === '') {
    lines.pop();
  }
  return lines;
};

/**
 * The lines of two texts side by side, the fewest changed (Myers), with `context` lines around
 * each change and the rest counted. Lines count from 1.
 */
export function diffLines(before: string, after: string, context = 3): DiffLine[] {
  const a = split(before);
  const b = split(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    start++;
  }
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) {
    end++;
  }
  const all: DiffLine[] = [];
  const same = (i: number, j: number) => all.push({ kind: 'same', text: a[i] ?? '', before: i + 1, after: j + 1 });
  for (let i = 0; i < start; i++) {
    same(i, i);
  }
  for (const step of myers(a.slice(start, a.length - end), b.slice(start, b.length - end))) {
    const i = step.i + start;
    const j = step.j + start;
    if (step.kind === 'same') {
      same(i, j);
    } else if (step.kind === 'removed') {
      all.push({ kind: 'removed', text: a[i] ?? '', before: i + 1 });
    } else {
      all.push({ kind: 'added', text: b[j] ?? '', after: j + 1 });
    }
  }
  for (let k = end; k > 0; k--) {
    same(a.length - k, b.length - k);
  }
  return fold(all, context);
}

interface Step {
  kind: 'same' | 'removed' | 'added';
  i: number;
  j: number;
}

/** Texts that differ in more lines than this are shown as removed and added as a whole. */
const tooFar = 400;

function myers(a: string[], b: string[]): Step[] {
  const n = a.length;
  const m = b.length;
  const trace: Map<number, number>[] = [];
  let v = new Map<number, number>([[1, 0]]);
  for (let d = 0; d <= Math.min(n + m, tooFar); d++) {
    trace.push(new Map(v));
    const next = new Map(v);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (next.get(k - 1) ?? 0) < (next.get(k + 1) ?? 0));
      let x = down ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < n && y < m && a[x] === b[y]) {
        x++;
        y++;
      }
      next.set(k, x);
      if (x >= n && y >= m) {
        return walkBack(trace, n, m, d);
      }
    }
    v = next;
  }
  return [
    ...a.map((_, i): Step => ({ kind: 'removed', i, j: 0 })),
    ...b.map((_, j): Step => ({ kind: 'added', i: n, j })),
  ];
}

function walkBack(trace: Map<number, number>[], n: number, m: number, distance: number): Step[] {
  const steps: Step[] = [];
  let x = n;
  let y = m;
  for (let d = distance; d > 0; d--) {
    const v = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && (v.get(k - 1) ?? 0) < (v.get(k + 1) ?? 0));
    const fromK = down ? k + 1 : k - 1;
    const fromX = v.get(fromK) ?? 0;
    const fromY = fromX - fromK;
    while (
      x > fromX &&
      y > fromY &&
      x > 0 &&
      y > 0 &&
      !(x === fromX + (down ? 0 : 1) && y === fromY + (down ? 1 : 0))
    ) {
      x--;
      y--;
      steps.push({ kind: 'same', i: x, j: y });
    }
    if (down) {
      y--;
      steps.push({ kind: 'added', i: x, j: y });
    } else {
      x--;
      steps.push({ kind: 'removed', i: x, j: y });
    }
  }
  while (x > 0 && y > 0) {
    x--;
    y--;
    steps.push({ kind: 'same', i: x, j: y });
  }
  return steps.reverse();
}

/** Counts the lines that are farther than `context` from a change. */
function fold(all: DiffLine[], context: number): DiffLine[] {
  const near = all.map(() => false);
  all.forEach((line, at) => {
    if (line.kind !== 'same') {
      for (let k = Math.max(0, at - context); k <= Math.min(all.length - 1, at + context); k++) {
        near[k] = true;
      }
    }
  });
  const folded: DiffLine[] = [];
  let kept = 0;
  const flush = () => {
    if (kept > 0) {
      folded.push({ kind: 'kept', count: kept });
      kept = 0;
    }
  };
  all.forEach((line, at) => {
    if (near[at]) {
      flush();
      folded.push(line);
    } else {
      kept++;
    }
  });
  flush();
  return folded;
}
