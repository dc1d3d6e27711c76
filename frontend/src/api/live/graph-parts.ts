import type { GraphLiveEdge, GraphLiveNode, GraphMeta } from '../generated/types.gen';

/** The elements of the topic graph, apart. */
export interface GraphParts {
  readonly nodes: readonly GraphLiveNode[];
  readonly edges: readonly GraphLiveEdge[];
  readonly byId: ReadonlyMap<string, GraphLiveNode>;
  readonly meta: GraphMeta | undefined;
}

/** Takes the elements of a graph apart. For useSelected: computed once for each state. */
export function graphParts(elements: ReadonlyMap<string, unknown>): GraphParts {
  const nodes: GraphLiveNode[] = [];
  const edges: GraphLiveEdge[] = [];
  for (const [id, element] of elements) {
    if (id.startsWith('n:')) {
      nodes.push(element as GraphLiveNode);
    } else if (id.startsWith('e:')) {
      edges.push(element as GraphLiveEdge);
    }
  }
  return {
    nodes,
    edges,
    byId: new Map(nodes.map((n) => [n.id, n])),
    meta: elements.get('meta') as GraphMeta | undefined,
  };
}
