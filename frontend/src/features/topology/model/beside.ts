import type { Point, Rect, Size } from './place';

const gap = 10;
const inset = 8;

/**
 * Where something stands that belongs to a card: below it, else above, right or left of it, whole
 * in the room if there is any such place. All are places on the screen.
 */
export function beside(card: Rect, own: Size, room: Size): Point {
  const within = (v: number, length: number, all: number) => Math.max(inset, Math.min(v, all - length - inset));
  const x = within(card.x, own.width, room.width);
  const y = within(card.y, own.height, room.height);
  const places: Point[] = [
    { x, y: card.y + card.height + gap },
    { x, y: card.y - own.height - gap },
    { x: card.x + card.width + gap, y },
    { x: card.x - own.width - gap, y },
  ];
  const fits = (p: Point) =>
    p.x >= inset && p.y >= inset && p.x + own.width <= room.width - inset && p.y + own.height <= room.height - inset;
  // Without such a place it covers a part of the card, but not the head.
  return places.find(fits) ?? { x, y: within(card.y + 44, own.height, room.height) };
}
