import type { GraphLiveNode } from '../../../api/generated/types.gen';
import type { GraphParts } from '../../../api/live/graph-parts';

/** What a page is about: services and workloads have the same parts. */
export type Kind = 'service' | 'workload';

export interface Subject {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** The node that stands for it in the graph of its kind. */
export const nodeOf = (graph: GraphParts, { kind, namespace, name }: Subject): GraphLiveNode | undefined =>
  graph.nodes.find((n) => n.kind === kind && (n.namespace ?? '') === namespace && n.name === name);

/** Whether its calls pass a proxy of the mesh. */
export const sidecar = (node: GraphLiveNode): 'yes' | 'no' | 'gateway' | 'outside' =>
  node.external ? 'outside' : node.gateway ? 'gateway' : node.meshed ? 'yes' : 'no';

/** Whether a list shows a node: those of its kind, with their place and name. */
export const isListed = (kind: Kind, node: GraphLiveNode): boolean => node.kind === kind;
