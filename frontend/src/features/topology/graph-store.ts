import { createContext, useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { GraphLiveEdge, GraphLiveNode, GraphMeta } from '../../api/generated/types.gen';
import { type LiveTopic, liveStore } from '../../api/live/use-live';
import { type Departed, departed, nextToGo, nobody } from './model/departed';
import { isQuiet } from './model/figures';
import type { SceneEdge, SceneNode } from './model/scene';

type Elements = ReadonlyMap<string, unknown>;

/** Where the graph comes from. */
interface Source {
  elements(): Elements;
  listen(changed: () => void): () => void;
  /** The server has not been heard for a while: nobody knows what happens there. */
  stale?(): boolean;
}

/** A node of the scene, with what its card's size depends on. */
export interface ShapedNode extends SceneNode {
  quiet: boolean;
  versions: number;
}

/** Who is there and who calls whom: what decides which cards and threads are drawn. */
export interface Structure {
  nodes: readonly ShapedNode[];
  edges: readonly SceneEdge[];
}

/**
 * The graph that is shown, outside of React. It follows its source, unless it is paused or nobody
 * sees the page; a card or thread draws only when its own elements changed. What leaves the graph is
 * still part of its structure for a minute.
 */
export class GraphStore {
  private shown: Elements = new Map();
  private readonly any = new Set<() => void>();
  private readonly byElement = new Map<string, Set<() => void>>();
  private readonly source: Source;
  private held = false;
  /** What is shown is not what was just before: it was paused, not seen or not heard, or stood here from another visit. */
  private away = true;
  private left: Departed = nobody;
  private leaving: ReturnType<typeof setTimeout> | undefined;
  private known: { of: Elements; left: Departed; signature: string; structure: Structure } | undefined;

  constructor(source: Source) {
    this.source = source;
    this.shown = source.elements();
  }

  /** Follows the source until the returned function is called. */
  follow = (): (() => void) => {
    const update = () => this.update();
    const stop = this.source.listen(update);
    document.addEventListener('visibilitychange', update);
    this.update();
    this.awaitLeaving();
    return () => {
      stop();
      clearTimeout(this.leaving);
      document.removeEventListener('visibilitychange', update);
    };
  };

  /** Paused, everything stays as it is now. */
  pause(paused: boolean): void {
    this.held = paused;
    this.update();
  }

  elements = (): Elements => this.shown;
  /** A node as it is, or as it was when it left. */
  node = (id: string) => this.element(`n:${id}`) as GraphLiveNode | undefined;
  edge = (id: string) => this.element(`e:${id}`) as GraphLiveEdge | undefined;
  /** When a node left; undefined while it is there. */
  goneSince = (id: string): number | undefined => this.left.get(`n:${id}`)?.at;
  meta = () => this.shown.get('meta') as GraphMeta | undefined;
  nodes = (): GraphLiveNode[] => this.all('n:') as GraphLiveNode[];
  edges = (): GraphLiveEdge[] => this.all('e:') as GraphLiveEdge[];

  listen = (changed: () => void): (() => void) => {
    this.any.add(changed);
    return () => this.any.delete(changed);
  };

  /** Calls when one of these elements changed. */
  listenTo(ids: readonly string[], changed: () => void): () => void {
    for (const id of ids) {
      const set = this.byElement.get(id) ?? new Set();
      this.byElement.set(id, set.add(changed));
    }
    return () => {
      for (const id of ids) {
        const set = this.byElement.get(id);
        set?.delete(changed);
        if (set?.size === 0) {
          this.byElement.delete(id);
        }
      }
    };
  }

  /** The same object as long as nobody comes or goes, and no state or size changes. */
  structure = (): Structure => {
    if (this.known?.of === this.shown && this.known.left === this.left) {
      return this.known.structure;
    }
    const parts: string[] = [];
    const nodes: ShapedNode[] = [];
    const edges: SceneEdge[] = [];
    for (const [key, element] of this.shown) {
      if (key.startsWith('n:')) {
        const n = element as GraphLiveNode;
        const shape = {
          id: n.id,
          namespace: n.namespace,
          state: n.health.state,
          idle: n.idle ?? false,
          quiet: isQuiet(n),
          versions: n.versions?.length ?? 0,
        };
        nodes.push(shape);
        parts.push(`${key} ${n.namespace} ${shape.state} ${shape.idle} ${shape.quiet} ${shape.versions}`);
      } else if (key.startsWith('e:')) {
        const e = element as GraphLiveEdge;
        edges.push({ id: e.id, source: e.source, target: e.target, state: e.health.state, idle: e.idle ?? false });
        parts.push(`${key} ${e.health.state} ${e.idle}`);
      }
    }
    for (const [key, { element }] of this.left) {
      parts.push(`${key} left`);
      if (key.startsWith('n:')) {
        const { id, namespace } = element as GraphLiveNode;
        nodes.push({ id, namespace, state: 'unknown', idle: false, quiet: true, versions: 0, gone: true });
      } else {
        const { id, source, target } = element as GraphLiveEdge;
        edges.push({ id, source, target, state: 'idle', idle: true });
      }
    }
    const signature = parts.join('\n');
    const structure = signature === this.known?.signature ? this.known.structure : { nodes, edges };
    this.known = { of: this.shown, left: this.left, signature, structure };
    return structure;
  };

  private element = (key: string): unknown => this.shown.get(key) ?? this.left.get(key)?.element;

  private all(prefix: string): unknown[] {
    const found: unknown[] = [];
    for (const [key, element] of this.shown) {
      if (key.startsWith(prefix)) {
        found.push(element);
      }
    }
    return found;
  }

  private update(): void {
    const before = this.shown;
    const now = this.source.elements();
    if (this.held || document.hidden || this.source.stale?.()) {
      this.away = true;
      return;
    }
    if (now === before) {
      return;
    }
    this.shown = now;
    // Who left during such a gap did so at a time that nobody knows: that is not remembered.
    this.left = departed(this.left, this.away ? now : before, now, Date.now());
    this.away = false;
    this.awaitLeaving();
    const due = new Set<() => void>();
    for (const [id, listeners] of this.byElement) {
      if (before.get(id) !== now.get(id)) {
        for (const changed of listeners) {
          due.add(changed);
        }
      }
    }
    for (const changed of due) {
      changed();
    }
    this.tell();
  }

  /** What left is forgotten in time, also when nothing else happens. */
  private awaitLeaving(): void {
    clearTimeout(this.leaving);
    const at = nextToGo(this.left);
    if (at !== undefined) {
      this.leaving = setTimeout(() => {
        this.left = departed(this.left, this.shown, this.shown, Date.now());
        this.awaitLeaving();
        this.tell();
      }, at - Date.now());
    }
  }

  private tell(): void {
    for (const changed of this.any) {
      changed();
    }
  }
}

/** The store of a followed graph topic, while the component is mounted. */
export function useGraphStore(topic: LiveTopic): GraphStore {
  const store = useMemo(
    () =>
      new GraphStore({
        elements: () => liveStore.elements(topic.key),
        listen: (changed) => {
          const stops = [liveStore.listen(topic.key, changed), liveStore.listenConnection(changed)];
          return () => {
            for (const stop of stops) {
              stop();
            }
          };
        },
        stale: () => liveStore.connectionState().state === 'stale',
      }),
    [topic.key],
  );
  useEffect(() => store.follow(), [store]);
  return store;
}

const GraphContext = createContext<GraphStore | undefined>(undefined);
export const GraphProvider = GraphContext.Provider;

export function useGraph(): GraphStore {
  const store = useContext(GraphContext);
  if (!store) {
    throw new Error('there is no graph here: wrap the component in GraphProvider');
  }
  return store;
}

export function useStructure(store: GraphStore): Structure {
  return useSyncExternalStore(store.listen, store.structure);
}

/** All elements of the graph; draws at every update. */
export function useGraphElements(): Elements {
  const store = useGraph();
  return useSyncExternalStore(store.listen, store.elements);
}

/** One node; draws when it changed. */
export function useNode(id: string): GraphLiveNode | undefined {
  const store = useGraph();
  return useSyncExternalStore(
    useCallback((changed) => store.listenTo([`n:${id}`], changed), [store, id]),
    () => store.node(id),
  );
}

/** When a node left the graph; undefined while it is there. */
export function useGoneSince(id: string): number | undefined {
  const store = useGraph();
  return useSyncExternalStore(
    useCallback((changed) => store.listenTo([`n:${id}`], changed), [store, id]),
    () => store.goneSince(id),
  );
}

/** The edges of a thread; draws when one of them changed. */
export function useEdges(ids: readonly string[]): readonly GraphLiveEdge[] {
  const store = useGraph();
  const read = useMemo(() => stable(() => ids.flatMap((id) => store.edge(id) ?? [])), [store, ids]);
  return useSyncExternalStore(
    useCallback(
      (changed) =>
        store.listenTo(
          ids.map((id) => `e:${id}`),
          changed,
        ),
      [store, ids],
    ),
    read,
  );
}

/** Something small of the whole graph, as text; draws only when it is another one. */
export function useGraphText(read: (store: GraphStore) => string): string {
  const store = useGraph();
  return useSyncExternalStore(store.listen, () => read(store));
}

/** A list that stays the same object as long as its entries do. */
function stable<T>(read: () => T[]): () => readonly T[] {
  let last: T[] = [];
  return () => {
    const now = read();
    if (now.length !== last.length || now.some((one, i) => one !== last[i])) {
      last = now;
    }
    return last;
  };
}
