import { describe, expect, test } from 'vitest';
import { ends, keyMove, moveBoundary, sameShares, setShare, stableOf, widestGap } from './split-math';

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

describe('a boundary moves share between its two neighbours only', () => {
  test.each([
    [[70, 10, 20], 0, 80, [80, 0, 20]],
    [[70, 10, 20], 0, 85, [80, 0, 20]],
    [[70, 10, 20], 0, -5, [0, 80, 20]],
    [[70, 10, 20], 1, 95, [70, 25, 5]],
    [[70, 10, 20], 1, 71.4, [70, 1, 29]],
    [[70, 10, 20], 1, 300, [70, 30, 0]],
    [[100, 0], 0, 70, [70, 30]],
  ])('%j, boundary %i to %f', (shares, i, to, want) => {
    expect(moveBoundary(shares, i, to)).toEqual(want);
  });
});

describe('a typed number is paid by the stable version, then by the largest', () => {
  test.each([
    [[70, 10, 20], 2, 5, 0, [85, 10, 5]],
    [[70, 10, 20], 2, 50, 0, [40, 10, 50]],
    [[70, 10, 20], 2, 95, 0, [0, 5, 95]],
    [[20, 50, 30], 2, 60, 0, [0, 40, 60]],
    [[70, 10, 20], 0, 0, 0, [0, 10, 90]],
    [[0, 0, 100], 2, 20, 2, [80, 0, 20]],
    [[70, 30], 1, 400, 0, [0, 100]],
    [[70, 30], 1, Number.NaN, 0, [100, 0]],
  ])('%j, version %i to %d, stable %i', (shares, i, v, stable, want) => {
    expect(setShare(shares, i, v, stable)).toEqual(want);
  });
});

test('whatever is done, shares are whole, not negative, and 100 together', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (const size of [2, 3, 4, 6]) {
    let shares: number[] = [100, ...Array<number>(size - 1).fill(0)];
    for (let step = 0; step < 500; step++) {
      shares =
        random(2) === 0
          ? moveBoundary(shares, random(size - 1), random(140) - 20)
          : setShare(shares, random(size), random(140) - 20, random(size));
      expect(sum(shares)).toBe(100);
      expect(shares.every((v) => Number.isInteger(v) && v >= 0)).toBe(true);
      expect(ends(shares).at(-1)).toBe(100);
    }
  }
});

test('stable is the one with the most, the first of equals', () => {
  expect(stableOf([34, 33, 33])).toBe(0);
  expect(stableOf([0, 0, 100])).toBe(2);
  expect(stableOf([50, 50])).toBe(0);
});

test('the widest gap is named', () => {
  expect(widestGap([85, 15], [81, 19])).toBe(0);
  expect(widestGap([80, 10, 10], [79, 12.5, 8.5])).toBe(1);
});

test('equal shares, and keys', () => {
  expect(sameShares([1, 99], [1, 99])).toBe(true);
  expect(sameShares([1, 99], [2, 98])).toBe(false);
  expect(keyMove('PageUp')).toBe(10);
  expect(keyMove('a')).toBeUndefined();
});
