import type { Health } from '../../../ui/glyph';

/** What the scene needs to know of a node; the live element has more. */
export interface SceneNode {
  id: string;
  namespace?: string | undefined;
  state: Health;
  /** Nothing flowed in the window. */
  idle: boolean;
  /** It left a short while ago, and is still drawn. */
  gone?: boolean | undefined;
}

export interface SceneEdge {
  id: string;
  source: string;
  target: string;
  state: Health;
  idle: boolean;
}

export interface SceneOptions {
  /** Namespaces to show; all when empty. What they talk to is shown with them. */
  namespaces: readonly string[];
  /** Namespaces drawn as one card. */
  collapsed: ReadonlySet<string>;
  /** States that are left out; what a thread of another state touches stays. */
  hide: ReadonlySet<Health>;
  /** Only nodes that it lets through, when there is one. */
  find?: ((id: string) => boolean) | undefined;
  /** Only the neighbourhood of a node: what can be reached in so many steps, either way. */
  focus?: { id: string; steps: number } | undefined;
}

/** A service, workload or app of its own, or a namespace that is drawn as one card. */
export type SceneCard =
  | { id: string; kind: 'node'; namespace: string; node: string }
  | { id: string; kind: 'namespace'; namespace: string; nodes: readonly string[] };

/** A line between two cards: one edge, or all those between collapsed namespaces. */
export interface SceneThread {
  id: string;
  source: string;
  target: string;
  edges: readonly string[];
}

/** What is drawn, sorted by id: which cards, which threads, which boxes around them. */
export interface Scene {
  cards: readonly SceneCard[];
  threads: readonly SceneThread[];
  /** Open namespaces with their cards. Nodes without namespace stand outside of all boxes. */
  boxes: readonly { namespace: string; cards: readonly string[] }[];
  /** Nodes that are there, and that the options leave out. */
  hidden: number;
}

export const namespaceCard = (namespace: string): string => `ns:${namespace}`;

const hidden = (what: { state: Health; idle: boolean }, hide: ReadonlySet<Health>): boolean =>
  hide.has(what.state) || (what.idle && hide.has('idle'));

const byId = <T extends { id: string }>(a: T, b: T) => (a.id < b.id ? -1 : Number(a.id > b.id));

/** Decides what is drawn of a graph. Equal input gives an equal scene, whatever the order. */
export function scene(nodes: readonly SceneNode[], edges: readonly SceneEdge[], options: SceneOptions): Scene {
  const shown = visible(nodes, edges, options);
  const cardOf = new Map<string, string>();
  const cards: SceneCard[] = [];
  const collapsed = new Map<string, string[]>();
  for (const { id, namespace = '', gone } of nodes) {
    if (!shown.has(id)) {
      continue;
    }
    if (namespace !== '' && options.collapsed.has(namespace)) {
      if (gone) {
        continue;
      }
      const members = collapsed.get(namespace) ?? [];
      members.push(id);
      collapsed.set(namespace, members);
      cardOf.set(id, namespaceCard(namespace));
    } else {
      cards.push({ id, kind: 'node', namespace, node: id });
      cardOf.set(id, id);
    }
  }
  for (const [namespace, members] of collapsed) {
    cards.push({ id: namespaceCard(namespace), kind: 'namespace', namespace, nodes: members.sort() });
  }
  const sorted = cards.sort(byId);
  return {
    cards: sorted,
    threads: threadsOf(edges, cardOf, options.hide),
    boxes: boxesOf(sorted),
    hidden: nodes.filter(({ id, gone }) => !gone && !shown.has(id)).length,
  };
}

function visible(nodes: readonly SceneNode[], edges: readonly SceneEdge[], options: SceneOptions): Set<string> {
  const drawn = edges.filter((e) => !hidden(e, options.hide));
  const lively = new Set(nodes.filter((n) => !hidden(n, options.hide)).map((n) => n.id));
  if (options.hide.size > 0) {
    for (const edge of drawn) {
      lively.add(edge.source).add(edge.target);
    }
  }
  let shown = new Set(lively);
  if (options.namespaces.length > 0) {
    const wanted = new Set(options.namespaces);
    const inside = new Set(nodes.filter((n) => wanted.has(n.namespace ?? '')).map((n) => n.id));
    shown = new Set([...lively].filter((id) => inside.has(id)));
    for (const edge of drawn) {
      for (const [here, there] of [
        [edge.source, edge.target],
        [edge.target, edge.source],
      ] as const) {
        if (inside.has(here) && lively.has(there)) {
          shown.add(there);
        }
      }
    }
  }
  if (options.find) {
    const { find } = options;
    shown = new Set([...shown].filter((id) => find(id)));
  }
  if (options.focus) {
    const near = neighbourhood(edges, options.focus.id, options.focus.steps);
    shown = new Set([...shown].filter((id) => near.has(id)));
  }
  return shown;
}

/** The node and all that is at most so many edges away from it, against their direction too. */
export function neighbourhood(edges: readonly SceneEdge[], id: string, steps: number): Set<string> {
  const beside = new Map<string, string[]>();
  const join = (from: string, to: string) => {
    const list = beside.get(from);
    if (list) {
      list.push(to);
    } else {
      beside.set(from, [to]);
    }
  };
  for (const edge of edges) {
    join(edge.source, edge.target);
    join(edge.target, edge.source);
  }
  const reached = new Set([id]);
  let rim = [id];
  for (let step = 0; step < steps && rim.length > 0; step++) {
    const next: string[] = [];
    for (const from of rim) {
      for (const to of beside.get(from) ?? []) {
        if (!reached.has(to)) {
          reached.add(to);
          next.push(to);
        }
      }
    }
    rim = next;
  }
  return reached;
}

function threadsOf(
  edges: readonly SceneEdge[],
  cardOf: ReadonlyMap<string, string>,
  hide: ReadonlySet<Health>,
): SceneThread[] {
  // By source, then by target: names of all edges would be many to make and to compare.
  const between = new Map<string, Map<string, string[]>>();
  for (const edge of edges) {
    const source = cardOf.get(edge.source);
    const target = cardOf.get(edge.target);
    // What happens within one card is not drawn; it is in the table.
    if (source === undefined || target === undefined || source === target || hidden(edge, hide)) {
      continue;
    }
    const targets = between.get(source) ?? new Map<string, string[]>();
    const joined = targets.get(target) ?? [];
    joined.push(edge.id);
    between.set(source, targets.set(target, joined));
  }
  const threads: SceneThread[] = [];
  for (const [source, targets] of between) {
    for (const [target, joined] of targets) {
      threads.push({ id: `${source} > ${target}`, source, target, edges: joined.sort() });
    }
  }
  return threads.sort(byId);
}

function boxesOf(cards: readonly SceneCard[]): Scene['boxes'] {
  const boxes = new Map<string, string[]>();
  for (const card of cards) {
    if (card.kind === 'node' && card.namespace !== '') {
      boxes.set(card.namespace, [...(boxes.get(card.namespace) ?? []), card.id]);
    }
  }
  return [...boxes]
    .map(([namespace, members]) => ({ namespace, cards: members }))
    .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}
