import { bumpRevision } from '../revision';
import {
  type ClientMessage,
  closeSessionEnded,
  type EventsMessage,
  type LiveEvent,
  type Params,
  type ServerMessage,
  type StateMessage,
  type Topic,
} from './protocol';
import { type Elements, TopicState } from './topic-state';

export interface Connection {
  /**
   * off: nobody listens · connecting: the first time · live · reconnecting: lost just now ·
   * stale: lost for a while; what is shown is from `since`.
   */
  readonly state: 'off' | 'connecting' | 'live' | 'reconnecting' | 'stale';
  /** When it came to be so; when stale, the last time the server was heard. */
  readonly since: number;
}

/** What the store needs of the world, so that a test can be the world. */
export interface Environment {
  open(): WebSocket;
  now(): number;
  /** A number from 0 to 1, to spread reconnections of many pages. */
  random(): number;
  /** Calls at the next frame that is drawn; returns how to take it back. */
  frame(f: () => void): () => void;
  sessionEnded(): void;
  /** The socket could not be opened: whoever can should find out whether the session is over. */
  refused(): void;
}

/** Topics whose figures change all the time are shown once in a second. */
const minInterval: Partial<Record<Topic, number>> = { graph: 1000, proxies: 1000 };
const staleAfter = 5_000;
const retryFirst = 500;
const retryMost = 15_000;
/** A subscription outlives its last listener this long: pages come and go. */
const linger = 5_000;

interface Subscription {
  readonly id: string;
  readonly topic: Topic;
  readonly params: Params;
  readonly state: TopicState;
  readonly events: Set<(event: LiveEvent) => void>;
  readonly resync: Set<() => void>;
  readonly any: Set<() => void>;
  readonly byElement: Map<string, Set<() => void>>;
  users: number;
  /** The last event that is known, to go on after it: numbers of two epochs have nothing in common. */
  cursor: { after: number; epoch: string } | undefined;
  /** There was no connection while nothing was known yet: nobody can say what happened meanwhile. */
  missed: boolean;
  shownAt: number;
  cancel: (() => void) | undefined;
  dropTimer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * One websocket for the whole page. It holds what every subscribed topic has told, outside
 * React: a component follows one element or all of them and draws when that changed.
 */
export class LiveStore {
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly byId = new Map<string, Subscription>();
  private readonly connectionListeners = new Set<() => void>();
  private readonly env: Environment;
  private socket: WebSocket | undefined;
  private connection: Connection = { state: 'off', since: 0 };
  private heard = 0;
  private failures = 0;
  private nextId = 1;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private staleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(env: Environment) {
    this.env = env;
  }

  /** Follows a topic while it is used. Returns a handle for the methods below. */
  subscribe(topic: Topic, params: Params): { key: string; release: () => void } {
    const key = keyOf(topic, params);
    let s = this.subscriptions.get(key);
    if (!s) {
      s = {
        id: `${topic}${this.nextId++}`,
        topic,
        params,
        state: new TopicState(),
        events: new Set(),
        resync: new Set(),
        any: new Set(),
        byElement: new Map(),
        users: 0,
        cursor: undefined,
        missed: false,
        shownAt: 0,
        cancel: undefined,
        dropTimer: undefined,
      };
      this.subscriptions.set(key, s);
      this.byId.set(s.id, s);
      this.ask(s);
    }
    clearTimeout(s.dropTimer);
    s.users++;
    this.connect();
    const subscription = s;
    let released = false;
    return {
      key,
      release: () => {
        if (!released) {
          released = true;
          subscription.users--;
          if (subscription.users === 0) {
            subscription.dropTimer = setTimeout(() => this.drop(key, subscription), linger);
          }
        }
      },
    };
  }

  has = (key: string): boolean => this.subscriptions.has(key);
  elements = (key: string): Elements => this.subscriptions.get(key)?.state.elements ?? none;
  element = (key: string, id: string): unknown => this.subscriptions.get(key)?.state.elements.get(id);
  isReady = (key: string): boolean => this.subscriptions.get(key)?.state.ready ?? false;
  errorOf = (key: string) => this.subscriptions.get(key)?.state.error ?? null;

  /** Calls after anything of the topic was shown. */
  listen(key: string, changed: () => void): () => void {
    const set = this.subscriptions.get(key)?.any;
    set?.add(changed);
    return () => set?.delete(changed);
  }

  /** Calls after the element with this id was shown differently. */
  listenElement(key: string, id: string, changed: () => void): () => void {
    const by = this.subscriptions.get(key)?.byElement;
    if (!by) {
      return () => {};
    }
    let set = by.get(id);
    if (!set) {
      set = new Set();
      by.set(id, set);
    }
    set.add(changed);
    return () => {
      set.delete(changed);
      if (set.size === 0 && by.get(id) === set) {
        by.delete(id);
      }
    };
  }

  /** Calls for each event from now on; resync when some were missed. */
  listenEvents(key: string, each: (event: LiveEvent) => void, resync: () => void): () => void {
    const s = this.subscriptions.get(key);
    s?.events.add(each);
    s?.resync.add(resync);
    return () => {
      s?.events.delete(each);
      s?.resync.delete(resync);
    };
  }

  connectionState = (): Connection => this.connection;

  listenConnection = (changed: () => void): (() => void) => {
    this.connectionListeners.add(changed);
    return () => this.connectionListeners.delete(changed);
  };

  /** Connects now instead of when the pause is over. */
  retry = (): void => {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.connect();
  };

  /** Closes the socket and forgets everything: the session is over. */
  stop(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.staleTimer);
    this.retryTimer = undefined;
    this.failures = 0;
    const socket = this.socket;
    this.socket = undefined;
    socket?.close(1000);
    // What nobody reads any more was of the session that ends.
    for (const [key, subscription] of this.subscriptions) {
      if (subscription.users === 0) {
        clearTimeout(subscription.dropTimer);
        this.drop(key, subscription);
      }
    }
    this.become('off', this.env.now());
  }

  private connect(): void {
    if (this.socket || this.retryTimer !== undefined || this.subscriptions.size === 0) {
      return;
    }
    const socket = this.env.open();
    this.socket = socket;
    if (this.connection.state === 'off') {
      this.become('connecting', this.env.now());
      this.waitForStale();
    }
    socket.onopen = () => {
      if (this.socket === socket) {
        this.heard = this.env.now();
        for (const s of this.subscriptions.values()) {
          s.state.restart();
          s.missed ||= this.failures > 0 && !s.cursor;
          this.ask(s);
        }
      }
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      if (this.socket === socket) {
        this.heard = this.env.now();
        this.failures = 0;
        clearTimeout(this.staleTimer);
        this.become('live', this.connection.state === 'live' ? this.connection.since : this.heard);
        this.receive(JSON.parse(event.data) as ServerMessage);
      }
    };
    socket.onclose = (event: CloseEvent) => {
      if (this.socket !== socket) {
        return;
      }
      this.socket = undefined;
      if (event.code === closeSessionEnded) {
        this.become('stale', this.heard || this.env.now());
        this.env.sessionEnded();
        return;
      }
      if (this.connection.state === 'live') {
        this.become('reconnecting', this.env.now());
        this.waitForStale();
      }
      if (this.failures > 0) {
        this.env.refused();
      }
      const pause = Math.min(retryMost, retryFirst * 2 ** this.failures) * (0.5 + this.env.random() / 2);
      this.failures++;
      this.retryTimer = setTimeout(this.retry, pause);
    };
  }

  private waitForStale(): void {
    clearTimeout(this.staleTimer);
    this.staleTimer = setTimeout(() => {
      if (this.connection.state !== 'live') {
        this.become('stale', this.heard || this.env.now());
      }
    }, staleAfter);
  }

  private become(state: Connection['state'], since: number): void {
    if (this.connection.state !== state || this.connection.since !== since) {
      this.connection = { state, since };
      for (const changed of this.connectionListeners) {
        changed();
      }
    }
  }

  private ask(s: Subscription): void {
    this.send({ subscribe: { id: s.id, topic: s.topic, params: { ...s.params, ...s.cursor } } });
  }

  private send(message: ClientMessage): void {
    if (this.socket?.readyState === 1) {
      this.socket.send(JSON.stringify(message));
    }
  }

  private drop(key: string, s: Subscription): void {
    if (s.users === 0 && this.subscriptions.get(key) === s) {
      s.cancel?.();
      this.subscriptions.delete(key);
      this.byId.delete(s.id);
      this.send({ unsubscribe: { id: s.id } });
    }
  }

  private receive(message: ServerMessage): void {
    const s = this.byId.get(message.id);
    if (!s) {
      return; // just unsubscribed
    }
    if ('error' in message) {
      s.state.error = message.error;
      this.tell(s, []);
      return;
    }
    if (s.topic === 'events') {
      this.receiveEvents(s, message as EventsMessage);
      return;
    }
    if (!s.state.take(message as StateMessage)) {
      s.state.restart();
      this.send({ unsubscribe: { id: s.id } });
      this.ask(s);
      return;
    }
    this.schedule(s);
  }

  private receiveEvents(s: Subscription, message: EventsMessage): void {
    if (message.resync || s.missed) {
      s.missed = false;
      for (const resync of s.resync) {
        resync();
      }
    }
    s.cursor = { after: message.seq, epoch: message.epoch };
    for (const event of message.events) {
      for (const each of s.events) {
        each(event);
      }
    }
    if (message.events.length > 0) {
      bumpRevision();
    }
  }

  /** Shows what was taken at the next frame, or when the topic's interval is over. */
  private schedule(s: Subscription): void {
    if (s.cancel || !s.state.pending) {
      return;
    }
    const wait = s.state.ready ? s.shownAt + (minInterval[s.topic] ?? 0) - this.env.now() : 0;
    const show = () => {
      s.cancel = undefined;
      s.shownAt = this.env.now();
      this.tell(s, s.state.show());
    };
    if (wait > 0) {
      const timer = setTimeout(() => {
        s.cancel = this.env.frame(show);
      }, wait);
      s.cancel = () => clearTimeout(timer);
    } else {
      s.cancel = this.env.frame(show);
    }
  }

  private tell(s: Subscription, changed: string[]): void {
    for (const id of changed) {
      for (const listener of s.byElement.get(id) ?? []) {
        listener();
      }
    }
    for (const listener of s.any) {
      listener();
    }
    bumpRevision();
  }
}

const none: Elements = new Map();

/** Equal topics with equal parameters are one subscription. */
export function keyOf(topic: Topic, params: Params): string {
  const sorted = Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${topic}?${sorted.map(([k, v]) => `${k}=${v}`).join('&')}`;
}
