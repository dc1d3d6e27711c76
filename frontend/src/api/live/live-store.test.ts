import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import transcript from '../../../../backend/live/testdata/reconnect.json';
import { FakeSocket } from '../../testing/fake-socket';
import { LiveStore } from './live-store';
import type { ClientMessage, ServerMessage } from './protocol';

let sockets: FakeSocket[];
let frames: (() => void)[];
let ended: number;
let refused: number;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  sockets = [];
  frames = [];
  ended = 0;
  refused = 0;
});
afterEach(() => vi.useRealTimers());

const newStore = () =>
  new LiveStore({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    now: () => Date.now(),
    random: () => 1,
    frame: (f) => {
      frames.push(f);
      return () => {
        frames = frames.filter((g) => g !== f);
      };
    },
    sessionEnded: () => ended++,
    refused: () => refused++,
  });

const last = (): FakeSocket => {
  const socket = sockets.at(-1);
  if (!socket) {
    throw new Error('no socket was opened');
  }
  return socket;
};
const frame = () => {
  const due = frames;
  frames = [];
  for (const f of due) {
    f();
  }
};
const whole = (put: Record<string, unknown>, topic = 'graph', seq = 1, epoch = 'a') =>
  last().tell({ id: last().idOf(topic), epoch, seq, whole: true, put, del: [] });
const patch = (put: Record<string, unknown>, del: string[] = [], seq = 2, epoch = 'a', topic = 'graph') =>
  last().tell({ id: last().idOf(topic), epoch, seq, put, del });

test('a topic is shown, patched, and drawn once for a burst', () => {
  const store = newStore();
  const { key } = store.subscribe('graph', { mode: 'service' });
  const drawn = vi.fn();
  const one = vi.fn();
  store.listen(key, drawn);
  store.listenElement(key, 'n:a', one);
  last().open();
  expect(last().sent).toEqual([{ subscribe: { id: 'graph1', topic: 'graph', params: { mode: 'service' } } }]);
  expect(store.isReady(key)).toBe(false);
  whole({ 'n:a': { rate: 1 }, 'n:b': { rate: 2 } });
  expect(drawn).not.toHaveBeenCalled();
  frame();
  expect(store.isReady(key)).toBe(true);
  expect(store.element(key, 'n:a')).toEqual({ rate: 1 });
  expect(drawn).toHaveBeenCalledTimes(1);
  expect(one).toHaveBeenCalledTimes(1);

  const before = store.elements(key);
  patch({ 'n:b': { rate: 3 } });
  patch({ 'n:c': { rate: 4 } }, ['n:b'], 5);
  frame();
  expect(drawn).toHaveBeenCalledTimes(1); // the graph is shown once in a second
  vi.advanceTimersByTime(1000);
  frame();
  expect(drawn).toHaveBeenCalledTimes(2);
  expect(one).toHaveBeenCalledTimes(1); // n:a is as it was
  expect([...store.elements(key).keys()].sort()).toEqual(['n:a', 'n:c']);
  expect([...before.keys()]).toEqual(['n:a', 'n:b']); // what was handed out stays as it was
});

test('an empty topic is ready too', () => {
  const store = newStore();
  const { key } = store.subscribe('findings', {});
  const drawn = vi.fn();
  store.listen(key, drawn);
  last().open();
  whole({}, 'findings');
  frame();
  expect(store.isReady(key)).toBe(true);
  expect(drawn).toHaveBeenCalledTimes(1);
});

test('a patch of another epoch asks for the whole', () => {
  const store = newStore();
  const { key } = store.subscribe('findings', {});
  last().open();
  whole({ x: 1 }, 'findings');
  frame();
  patch({ x: 2 }, [], 9, 'b', 'findings');
  expect(
    last()
      .sent.slice(1)
      .map((m) => Object.keys(m)[0]),
  ).toEqual(['unsubscribe', 'subscribe']);
  expect(store.element(key, 'x')).toBe(1);
  whole({ x: 2 }, 'findings', 1, 'b');
  frame();
  expect(store.element(key, 'x')).toBe(2);
});

test('the connection comes back by itself, and only what differs draws', () => {
  const store = newStore();
  const { key } = store.subscribe('objects', {});
  last().open();
  whole({ a: { v: 1 }, b: { v: 1 } }, 'objects');
  frame();
  expect(store.connectionState().state).toBe('live');
  const a = vi.fn();
  const b = vi.fn();
  store.listenElement(key, 'a', a);
  store.listenElement(key, 'b', b);

  last().close(1006);
  expect(store.connectionState().state).toBe('reconnecting');
  vi.advanceTimersByTime(500);
  expect(sockets).toHaveLength(2);
  last().close(1006);
  expect(refused).toBe(1);
  vi.advanceTimersByTime(999);
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(3);
  vi.advanceTimersByTime(4000);
  expect(store.connectionState()).toEqual({ state: 'stale', since: 1_000_000 });
  expect(store.element(key, 'a')).toEqual({ v: 1 }); // what was known stays to be seen

  last().open();
  whole({ a: { v: 1 }, b: { v: 2 } }, 'objects', 1, 'after restart');
  frame();
  expect(store.connectionState().state).toBe('live');
  expect(a).not.toHaveBeenCalled();
  expect(b).toHaveBeenCalledTimes(1);
});

test('the end of the session is told, and nothing is tried until it is taken up', () => {
  const store = newStore();
  store.subscribe('parts', {});
  last().open();
  whole({}, 'parts');
  last().close(4401);
  expect(ended).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(sockets).toHaveLength(1);
  store.retry();
  expect(sockets).toHaveLength(2);
  last().open();
  expect(last().idOf('parts')).toBe('parts1');
});

test('equal topics are one subscription, which ends after its last user', () => {
  const store = newStore();
  const first = store.subscribe('graph', { mode: 'app', window: '5m' });
  last().open();
  const second = store.subscribe('graph', { window: '5m', mode: 'app' });
  expect(second.key).toBe(first.key);
  expect(last().sent).toHaveLength(1);
  first.release();
  first.release();
  vi.advanceTimersByTime(60_000);
  expect(last().sent).toHaveLength(1);
  second.release();
  const third = store.subscribe('graph', { window: '5m', mode: 'app' });
  vi.advanceTimersByTime(60_000);
  expect(last().sent).toHaveLength(1); // taken up again before it ended
  third.release();
  vi.advanceTimersByTime(5_000);
  expect(last().sent.at(-1)).toEqual({ unsubscribe: { id: 'graph1' } });
});

/** What a page and the server say to each other; the server's own tests play its side of the file. */
interface Step {
  happens?: number;
  opens?: boolean;
  lost?: boolean;
  restart?: boolean;
  client?: ClientMessage;
  server?: ServerMessage;
}

test('no event is lost over a short interruption, and a long one is told', () => {
  const store = newStore();
  const { key } = store.subscribe('events', {});
  const seen: (number | string)[] = [];
  store.listenEvents(
    key,
    (e) => seen.push(e.seq),
    () => seen.push('resync'),
  );
  for (const step of transcript as Step[]) {
    if (step.opens) {
      vi.advanceTimersByTime(500);
      last().open();
    } else if (step.lost || step.restart) {
      last().close(1006);
    } else if (step.client) {
      expect(last().sent).toEqual([step.client]);
    } else if (step.server) {
      last().tell(step.server);
    }
  }
  expect(seen).toEqual([2, 3, 4, 5, 'resync', 12, 'resync', 1, 2]);
});

test('what happened before the first answer may be missed', () => {
  const store = newStore();
  const { key } = store.subscribe('events', {});
  const resync = vi.fn();
  store.listenEvents(key, vi.fn(), resync);
  last().open();
  last().close(1006);
  vi.advanceTimersByTime(500);
  last().open();
  last().tell({ id: 'events1', epoch: 'a', seq: 20, events: [] });
  expect(resync).toHaveBeenCalledTimes(1);
  last().close(1006);
  vi.advanceTimersByTime(500);
  last().open();
  last().tell({ id: 'events1', epoch: 'a', seq: 20, events: [] });
  expect(resync).toHaveBeenCalledTimes(1);
});

test('an error of a topic is shown with it', () => {
  const store = newStore();
  const { key } = store.subscribe('split', { service: 'a/b' });
  last().open();
  last().tell({ id: last().idOf('split'), error: { code: 'failed', detail: 'no such service' } });
  expect(store.errorOf(key)).toEqual({ code: 'failed', detail: 'no such service' });
});

/** Patches applied to the first whole give the same as a fresh whole, whatever was merged. */
test('patches lead to what a fresh whole says', () => {
  let seed = 3;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  for (let round = 0; round < 100; round++) {
    const store = newStore();
    const { key } = store.subscribe('objects', {});
    last().open();
    const truth = new Map<string, unknown>();
    const mutate = () => {
      const put: Record<string, unknown> = {};
      const del: string[] = [];
      for (let k = 0; k < random(5); k++) {
        const id = `e${random(8)}`;
        if (random(3) === 0 && truth.has(id) && !(id in put)) {
          truth.delete(id);
          del.push(id);
        } else if (!del.includes(id)) {
          put[id] = { v: random(4) };
          truth.set(id, put[id]);
        }
      }
      return { put, del };
    };
    whole(mutate().put, 'objects');
    for (let step = 2; step < 12; step++) {
      const { put, del } = mutate();
      patch(put, del, step * (1 + random(3)), 'a', 'objects');
      if (random(2) === 0) {
        frame();
      }
    }
    vi.advanceTimersByTime(1000);
    frame();
    expect(Object.fromEntries([...store.elements(key)].sort())).toEqual(Object.fromEntries([...truth].sort()));
    store.stop();
  }
});
