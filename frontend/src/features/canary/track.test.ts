import { describe, expect, test } from 'vitest';
import { handleSteps, placeCaptions } from './track';

describe('captions', () => {
  const caption = (share: number, middle: number, width = 30) => ({ share, middle, width });

  test('stand over the middle of their share where there is room', () => {
    expect(placeCaptions([caption(60, 180), caption(40, 480)], 600)).toEqual([165, 465]);
  });

  test('do not lie on each other, nor beyond the track', () => {
    // 90 / 5 / 5 of 300 pixels.
    expect(placeCaptions([caption(90, 135), caption(5, 277), caption(5, 292)], 300)).toEqual([120, 232, 270]);
    expect(placeCaptions([caption(5, 7), caption(5, 22), caption(90, 165)], 300)).toEqual([0, 38, 150]);
  });

  test('the smallest is left out where there is no room for all', () => {
    expect(placeCaptions([caption(50, 40, 60), caption(40, 76, 60), caption(10, 95, 60)], 130)).toEqual([
      2,
      70,
      undefined,
    ]);
    expect(placeCaptions([caption(100, 20, 60)], 40)).toEqual([0]);
    expect(placeCaptions([], 300)).toEqual([]);
  });
});

test('a handle at the place of another stands lower, a third lower still', () => {
  expect(handleSteps([85, 95], 3)).toEqual([0, 0]);
  expect(handleSteps([85, 87], 3)).toEqual([0, 1]);
  expect(handleSteps([100, 100, 100], 3)).toEqual([0, 1, 2]);
  expect(handleSteps([10, 11, 50], 3)).toEqual([0, 1, 0]);
  expect(handleSteps([], 3)).toEqual([]);
});
