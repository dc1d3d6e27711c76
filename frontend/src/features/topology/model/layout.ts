import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api';
import { boxInset, cardGap, type Point, type Sizes } from './place';
import type { Scene } from './scene';

/** Lays a graph out; the worker's layout in the product. */
export type Elk = (graph: ElkNode) => Promise<ElkNode>;

const layered: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.layered.spacing.nodeNodeBetweenLayers': String(cardGap.x),
  'elk.spacing.nodeNode': String(cardGap.y),
  'elk.spacing.componentComponent': String(cardGap.y),
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.padding': '[top=0,left=0,bottom=0,right=0]',
};

/** Beyond so many boxes and free cards the outer level is packed instead of layered: order is lost anyway. */
const mostLayered = 60;

/**
 * Positions for all cards of a scene, in two levels: the cards of each namespace by layers, then
 * the namespaces and the cards outside of them. A person asks for this (Tidy); a live update never does.
 */
export async function layout(scene: Scene, sizes: Sizes, elk: Elk): Promise<Map<string, Point>> {
  const boxOf = new Map(scene.boxes.flatMap((b) => b.cards.map((card) => [card, b.namespace] as const)));
  const inner = new Map<string, ElkNode>();
  await Promise.all(
    scene.boxes.map(async (box) => {
      const inside = scene.threads.filter(
        (t) => boxOf.get(t.source) === box.namespace && boxOf.get(t.target) === box.namespace,
      );
      inner.set(
        box.namespace,
        await elk({
          id: box.namespace,
          layoutOptions: layered,
          children: leaves(box.cards, sizes),
          edges: lines(inside),
        }),
      );
    }),
  );
  const free = scene.cards.map((c) => c.id).filter((id) => !boxOf.has(id));
  const outer = await elk(outerGraph(scene, inner, free, boxOf, sizes));
  const at = new Map<string, Point>();
  for (const child of outer.children ?? []) {
    const corner = { x: child.x ?? 0, y: child.y ?? 0 };
    const box = child.id.startsWith('box:') ? inner.get(child.id.slice('box:'.length)) : undefined;
    if (!box) {
      at.set(child.id, corner);
      continue;
    }
    for (const card of box.children ?? []) {
      at.set(card.id, { x: corner.x + boxInset.side + (card.x ?? 0), y: corner.y + boxInset.top + (card.y ?? 0) });
    }
  }
  return at;
}

function leaves(cards: readonly string[], sizes: Sizes): ElkNode[] {
  return cards.map((id) => ({ id, ...sizes(id) }));
}

function lines(threads: readonly { id: string; source: string; target: string }[]): ElkExtendedEdge[] {
  return threads.map((t) => ({ id: t.id, sources: [t.source], targets: [t.target] }));
}

function outerGraph(
  scene: Scene,
  inner: ReadonlyMap<string, ElkNode>,
  free: readonly string[],
  boxOf: ReadonlyMap<string, string>,
  sizes: Sizes,
): ElkNode {
  const boxes = [...inner].map(([namespace, graph]) => ({
    id: `box:${namespace}`,
    width: (graph.width ?? 0) + 2 * boxInset.side,
    height: (graph.height ?? 0) + boxInset.top + boxInset.bottom,
  }));
  boxes.sort((a, b) => (a.id < b.id ? -1 : 1));
  const outside = (card: string) => {
    const namespace = boxOf.get(card);
    return namespace === undefined ? card : `box:${namespace}`;
  };
  const between = new Map<string, { id: string; source: string; target: string }>();
  for (const thread of scene.threads) {
    const [source, target] = [outside(thread.source), outside(thread.target)];
    if (source !== target) {
      between.set(`${source} > ${target}`, { id: `${source} > ${target}`, source, target });
    }
  }
  const children = [...leaves(free, sizes), ...boxes];
  const options: LayoutOptions =
    children.length > mostLayered
      ? { 'elk.algorithm': 'rectpacking', 'elk.spacing.nodeNode': '40', 'elk.aspectRatio': '1.6' }
      : { ...layered, 'elk.spacing.nodeNode': '28', 'elk.layered.spacing.nodeNodeBetweenLayers': '84' };
  return { id: 'mesh', layoutOptions: options, children, edges: lines([...between.values()]) };
}
