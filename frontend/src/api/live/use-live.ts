import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { request } from '../request';
import { sessionStore } from '../session-store';
import { type Connection, keyOf, LiveStore } from './live-store';
import type { LiveEvent, Params, Topic } from './protocol';
import type { Elements } from './topic-state';

/** The page's one connection. */
export const liveStore = new LiveStore({
  open: () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`),
  now: () => Date.now(),
  random: () => Math.random(),
  frame: (f) => {
    const id = requestAnimationFrame(f);
    return () => cancelAnimationFrame(id);
  },
  sessionEnded: () => sessionStore.getState().ended(),
  // A refused handshake does not say why; an answer of 401 to this does.
  refused: () => void request('/api/v1/session').catch(() => {}),
});

/** A followed topic: pass it to the hooks below. */
export interface LiveTopic {
  readonly key: string;
  readonly topic: Topic;
}

/**
 * Follows a topic while the component is mounted. Components that follow the same topic with
 * the same parameters share one subscription.
 */
export function useTopic(topic: Topic, params: Params = {}): LiveTopic {
  const key = keyOf(topic, params);
  // The subscription starts while rendering, so that the hooks of this render find it. The
  // effect keeps it; without one, of a render that came to nothing, it ends by itself.
  if (!liveStore.has(key)) {
    liveStore.subscribe(topic, params).release();
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the parameters
  useEffect(() => liveStore.subscribe(topic, params).release, [key]);
  return { key, topic };
}

/** All elements of a topic; draws again whenever any of them changed. */
export function useElements<T>(live: LiveTopic): ReadonlyMap<string, T> {
  return useSyncExternalStore(
    useCallback((changed) => liveStore.listen(live.key, changed), [live.key]),
    () => liveStore.elements(live.key),
  ) as ReadonlyMap<string, T>;
}

/** One element of a topic; draws again only when this one changed. */
export function useElement<T>(live: LiveTopic, id: string): T | undefined {
  return useSyncExternalStore(
    useCallback((changed) => liveStore.listenElement(live.key, id, changed), [live.key, id]),
    () => liveStore.element(live.key, id),
  ) as T | undefined;
}

/** Something computed from the elements; draws again only when the result is another one. */
export function useSelected<T, R>(live: LiveTopic, select: (elements: ReadonlyMap<string, T>) => R): R {
  return useSyncExternalStore(
    useCallback((changed) => liveStore.listen(live.key, changed), [live.key]),
    () => memo(select as (e: Elements) => R, liveStore.elements(live.key)),
  );
}

const computed = new WeakMap<object, WeakMap<Elements, unknown>>();

/** The result of a selector for one state of the elements; pass a function of module scope. */
function memo<R>(select: (e: Elements) => R, elements: Elements): R {
  let results = computed.get(select);
  if (!results) {
    results = new WeakMap();
    computed.set(select, results);
  }
  if (!results.has(elements)) {
    results.set(elements, select(elements));
  }
  return results.get(elements) as R;
}

export type TopicStatus = { state: 'loading' | 'ready' } | { state: 'error'; code: string; detail: string };

/** Whether a topic has told its state yet. */
export function useTopicStatus(live: LiveTopic): TopicStatus {
  const subscribe = useCallback((changed: () => void) => liveStore.listen(live.key, changed), [live.key]);
  const ready = useSyncExternalStore(subscribe, () => liveStore.isReady(live.key));
  const error = useSyncExternalStore(subscribe, () => liveStore.errorOf(live.key));
  if (error) {
    return { state: 'error', ...error };
  }
  return { state: ready ? 'ready' : 'loading' };
}

/** Calls for each event while mounted. Pass functions that stay the same (useCallback). */
export function useEvents(live: LiveTopic, each: (event: LiveEvent) => void, resync: () => void): void {
  useEffect(() => liveStore.listenEvents(live.key, each, resync), [live.key, each, resync]);
}

/** The state of the connection, for the masthead and for stale banners. */
export function useConnection(): Connection {
  return useSyncExternalStore(liveStore.listenConnection, liveStore.connectionState);
}
