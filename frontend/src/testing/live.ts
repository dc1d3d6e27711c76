import { act, waitFor } from '@testing-library/react';
import { vi } from 'vitest';
import type { ServerMessage, Topic } from '../api/live/protocol';
import { liveStore } from '../api/live/use-live';
import { FakeSocket } from './fake-socket';

/**
 * Makes the page's live socket one that the test holds. Call before rendering; `tell` sends the
 * whole of a topic, `patch` what changed, and both wait until it was drawn.
 */
export function fakeLive() {
  const sockets: FakeSocket[] = [];
  liveStore.stop();
  vi.stubGlobal(
    'WebSocket',
    class extends FakeSocket {
      constructor() {
        super();
        sockets.push(this);
        queueMicrotask(() => this.open());
      }
    },
  );
  let seq = 0;
  const socket = async (topic: Topic): Promise<FakeSocket> => {
    await waitFor(() => {
      if (!sockets.at(-1)?.idOf(topic)) {
        throw new Error(`nobody subscribed to ${topic}`);
      }
    });
    return sockets.at(-1) as FakeSocket;
  };
  const send = async (
    topic: Topic,
    message: Omit<Extract<ServerMessage, { seq: number; put?: unknown }>, 'id' | 'epoch' | 'seq'>,
  ) => {
    const to = await socket(topic);
    await act(async () => {
      to.tell({ id: to.idOf(topic), epoch: 'test', seq: ++seq, ...message } as ServerMessage);
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    });
  };
  return {
    tell: (topic: Topic, elements: Record<string, unknown>) => send(topic, { whole: true, put: elements, del: [] }),
    patch: (topic: Topic, put: Record<string, unknown>, del: string[] = []) => send(topic, { put, del }),
    refuse: async (topic: Topic, code: string, detail: string) => {
      const to = await socket(topic);
      await act(async () => to.tell({ id: to.idOf(topic), error: { code, detail } }));
    },
    lose: () => act(async () => sockets.at(-1)?.close(1006)),
  };
}
