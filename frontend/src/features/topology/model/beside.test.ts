import { expect, test } from 'vitest';
import { beside } from './beside';

const room = { width: 1000, height: 600 };
const own = { width: 380, height: 200 };
const card = (x: number, y: number) => ({ x, y, width: 212, height: 160 });

test('below the card, else above, else beside it', () => {
  expect(beside(card(100, 100), own, room)).toEqual({ x: 100, y: 270 });
  expect(beside(card(100, 400), own, room)).toEqual({ x: 100, y: 190 });
  expect(beside({ ...card(100, 100), height: 450 }, own, room)).toEqual({ x: 322, y: 100 });
  expect(beside({ ...card(700, 100), height: 450 }, own, room)).toEqual({ x: 310, y: 100 });
});

test('it never leaves the room', () => {
  expect(beside(card(900, 100), own, room)).toEqual({ x: 612, y: 270 });
  expect(beside(card(20, 60), { width: 380, height: 560 }, { width: 500, height: 600 })).toEqual({ x: 20, y: 32 });
});
