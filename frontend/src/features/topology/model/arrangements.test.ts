import { beforeEach, expect, test } from 'vitest';
import { arrangement, keepPositions, keptPositions } from './arrangements';

beforeEach(() => localStorage.clear());

const at = (x: number) => new Map([['a', { x, y: 2.4 }]]);

test('positions come back for the same user and arrangement', () => {
  const name = arrangement('service', ['b', 'a'], ['z', 'y']);
  expect(name).toBe(arrangement('service', ['a', 'b'], ['y', 'z']));
  keepPositions(localStorage, 'lena', name, at(1.2), 1);
  expect(keptPositions(localStorage, 'lena', name)).toEqual(new Map([['a', { x: 1, y: 2 }]]));
  expect(keptPositions(localStorage, 'mira', name).size).toBe(0);
  expect(keptPositions(localStorage, 'lena', 'other').size).toBe(0);
});

test('the arrangement that was not used for longest is forgotten', () => {
  for (let i = 0; i < 20; i++) {
    keepPositions(localStorage, 'lena', `n${i}`, at(i), i);
  }
  expect(keptPositions(localStorage, 'lena', 'n3').size).toBe(0);
  expect(keptPositions(localStorage, 'lena', 'n4').size).toBe(1);
});

test.each(['', 'nonsense', '[]', '{"x":1}', '{"x":{"at":{"a":"b"}}}', 'null'])('%j is no arrangement', (text) => {
  localStorage.setItem('heddle.topology.lena', text);
  expect(keptPositions(localStorage, 'lena', 'x').size).toBe(0);
});
