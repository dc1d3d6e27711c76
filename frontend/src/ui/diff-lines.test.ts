import { expect, test } from 'vitest';
import { type DiffLine, diffLines } from './diff-lines';

const text = (...lines: string[]) => (lines.length ? `${lines.join('\n')}\n` : '');
const show = (lines: DiffLine[]) =>
  lines.map((l) => {
    switch (l.kind) {
      case 'same':
        return `  ${l.before},${l.after} ${l.text}`;
      case 'removed':
        return `- ${l.before} ${l.text}`;
      case 'added':
        return `+ ${l.after} ${l.text}`;
      default:
        return `… ${l.count}`;
    }
  });

test('a changed line stands with its context', () => {
  const before = text('a', 'b', 'c', 'weight: 90', 'd', 'e', 'f');
  const after = text('a', 'b', 'c', 'weight: 70', 'd', 'e', 'f');
  expect(show(diffLines(before, after, 1))).toEqual([
    '… 2',
    '  3,3 c',
    '- 4 weight: 90',
    '+ 4 weight: 70',
    '  5,5 d',
    '… 2',
  ]);
});

test('texts that are alike, new and gone', () => {
  expect(show(diffLines('a\n', 'a\n'))).toEqual(['… 1']);
  expect(show(diffLines('', 'a\nb\n'))).toEqual(['+ 1 a', '+ 2 b']);
  expect(show(diffLines('a\nb\n', ''))).toEqual(['- 1 a', '- 2 b']);
  expect(diffLines('', '')).toEqual([]);
});

/** Applying the diff gives both texts back, for many texts made of few words. */
test('both texts can be read from a diff', () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  for (let round = 0; round < 400; round++) {
    const make = () => Array.from({ length: random(14) }, () => 'abcd'[random(4)] ?? 'a');
    const a = make();
    const b = make();
    if (a.join() === b.join()) {
      continue; // counted, not told
    }
    const lines = diffLines(text(...a), text(...b), 99);
    const left = lines.flatMap((l) => (l.kind === 'same' || l.kind === 'removed' ? [l.text] : []));
    const right = lines.flatMap((l) => (l.kind === 'same' || l.kind === 'added' ? [l.text] : []));
    expect(left).toEqual(a);
    expect(right).toEqual(b);
  }
});

test('long texts that share nothing end', () => {
  const a = Array.from({ length: 1500 }, (_, i) => `a${i}`);
  const b = Array.from({ length: 1500 }, (_, i) => `b${i}`);
  const lines = diffLines(text(...a), text(...b));
  expect(lines.filter((l) => l.kind === 'removed')).toHaveLength(1500);
  expect(lines.filter((l) => l.kind === 'added')).toHaveLength(1500);
});
