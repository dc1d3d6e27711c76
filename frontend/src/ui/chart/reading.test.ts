import { expect, test } from 'vitest';
import { reading, spoken } from './reading';

test('the values of a time stand beside the pointer, where there is room', () => {
  const root = document.createElement('div');
  const told = reading(root);
  const box = root.firstElementChild as HTMLElement;
  expect(box.hidden).toBe(true);
  told.show('14:07:30', [{ color: '--hd-s1', name: 'v1', text: '4.3 rps' }], 20, 300);
  expect(box.hidden).toBe(false);
  expect(box.textContent).toBe('14:07:30v14.3 rps');
  expect(box.style.left).toBe('30px');
  told.show('14:08:00', [], 280, 300);
  expect(box.textContent).toBe('14:08:00');
  expect([box.style.left, box.style.right]).toEqual(['', '-270px']);
  told.hide();
  expect(box.hidden).toBe(true);
  told.remove();
  expect(root.childElementCount).toBe(0);
});

test('the values of a time in words', () => {
  expect(spoken('14:07:30', [{ name: '', text: '4.3 rps' }])).toBe('14:07:30, 4.3 rps');
  expect(
    spoken('14:07:30', [
      { name: 'v1', text: '4.3 rps' },
      { name: 'v2', text: '1 rps' },
    ]),
  ).toBe('14:07:30, v1 4.3 rps, v2 1 rps');
});
