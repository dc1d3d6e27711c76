import { expect, test } from 'vitest';
import { GraphStore } from './graph-store';

const node = (name: string) => ({ id: name, name, health: { state: 'healthy' } });
const graph = (...names: string[]) => new Map<string, unknown>(names.map((name) => [`n:${name}`, node(name)]));

/** A store that follows what the test tells it. */
function followed() {
  let elements = graph('web', 'reviews');
  let stale = false;
  let changed = () => {};
  const store = new GraphStore({
    elements: () => elements,
    listen: (call) => {
      changed = call;
      return () => {};
    },
    stale: () => stale,
  });
  const stop = store.follow();
  const tell = (names: string[]) => {
    elements = graph(...names);
    changed();
  };
  const connection = (state: 'live' | 'stale') => {
    stale = state === 'stale';
    changed();
  };
  tell(['web', 'reviews', 'ratings']);
  return { store, tell, connection, stop };
}

test('who leaves is remembered with the time', () => {
  const { store, tell, stop } = followed();
  tell(['web', 'reviews']);
  expect(store.goneSince('ratings')).toBeGreaterThan(Date.now() - 10_000);
  stop();
});

test('who left while the server was not heard did so at a time that nobody knows', () => {
  const { store, tell, connection, stop } = followed();
  connection('stale');
  connection('live');
  tell(['web', 'reviews']);
  expect(store.goneSince('ratings')).toBeUndefined();
  expect(store.node('ratings')).toBeUndefined();
  // From then on it is as always.
  tell(['web']);
  expect(store.goneSince('reviews')).toBeDefined();
  stop();
});
