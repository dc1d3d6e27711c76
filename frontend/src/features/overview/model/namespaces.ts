import type { GraphLiveNode } from '../../../api/generated/types.gen';
import type { GraphParts } from '../../../api/live/graph-parts';
import { type Health, healthRank } from '../../../ui/glyph';

/** How many are named before only those that are not healthy are. */
const named = 8;

export interface NamespaceRow {
  readonly namespace: string;
  /** Those to be named, what is wrong first. */
  readonly shown: readonly GraphLiveNode[];
  /** Healthy ones that are only counted. */
  readonly healthy: number;
  /** What comes in from outside of the namespace, or from its own callers that nobody calls. */
  readonly rate: number;
  readonly errorShare: number;
  /** Of the same; where it was not measured, of the slowest service. */
  readonly p95: number | undefined;
}

/** What the sheet counts and names; callers without a Service are in the topology. */
const isThing = (node: GraphLiveNode) => node.kind === 'service';

/** The mesh by namespace; those with trouble first, then by traffic. */
export function namespaceRows(graph: GraphParts, looked: (namespace: string | undefined) => boolean): NamespaceRow[] {
  const members = new Map<string, GraphLiveNode[]>();
  for (const node of graph.nodes) {
    if (isThing(node) && looked(node.namespace)) {
      const of = members.get(node.namespace ?? '') ?? [];
      of.push(node);
      members.set(node.namespace ?? '', of);
    }
  }
  const called = new Set(graph.edges.map((e) => e.target));
  const rows = [...members].map(([namespace, nodes]): NamespaceRow => {
    const incoming = graph.edges.filter((edge) => {
      const from = graph.byId.get(edge.source);
      const inside = graph.byId.get(edge.target)?.namespace === namespace;
      return inside && edge.protocol !== 'tcp' && (from?.namespace !== namespace || !called.has(edge.source));
    });
    const rate = incoming.reduce((sum, e) => sum + e.rate, 0);
    const errors = incoming.reduce((sum, e) => sum + e.errors, 0);
    const durations = incoming.filter((e) => e.rate > 0).flatMap((e) => e.p95 ?? graph.byId.get(e.target)?.p95 ?? []);
    nodes.sort(byHealth);
    const all = nodes.length <= named;
    const shown = all ? nodes : nodes.filter((n) => n.health.state !== 'healthy');
    return {
      namespace,
      shown,
      healthy: nodes.length - shown.length,
      rate,
      errorShare: rate > 0 ? errors / rate : 0,
      p95: slowest(durations) ?? slowest(nodes.flatMap((n) => n.p95 ?? [])),
    };
  });
  const rank = (row: NamespaceRow) => healthRank[row.shown[0]?.health.state ?? 'healthy'];
  const trouble = (row: NamespaceRow) => Math.min(rank(row), healthRank.unknown);
  return rows.sort((a, b) => trouble(a) - trouble(b) || (a.namespace < b.namespace ? -1 : 1));
}

function byHealth(a: GraphLiveNode, b: GraphLiveNode): number {
  return healthRank[a.health.state] - healthRank[b.health.state] || (a.name < b.name ? -1 : 1);
}

const slowest = (durations: readonly number[]): number | undefined =>
  durations.length > 0 ? Math.max(...durations) : undefined;

/** How many services are in which state. */
export function countStates(nodes: readonly GraphLiveNode[]): Record<Health, number> {
  const counts: Record<Health, number> = { failing: 0, degraded: 0, unknown: 0, idle: 0, healthy: 0 };
  for (const node of nodes) {
    counts[node.health.state]++;
  }
  return counts;
}
