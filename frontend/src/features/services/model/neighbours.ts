import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { type Health, healthRank } from '../../../ui/glyph';
import type { Call } from './calls';

/** One neighbour, with all that flows to or from it. */
export interface Neighbour {
  readonly id: string;
  readonly name: string;
  readonly node: GraphLiveNode | undefined;
  readonly edges: readonly GraphLiveEdge[];
  /** The worst state of what flows. */
  readonly state: Health;
}

/** How many are drawn; the table has all. */
export const drawn = 6;

/** The neighbours on one side, most traffic first. */
export function neighboursOf(calls: readonly Call[], direction: Call['direction']): Neighbour[] {
  const found = new Map<string, { node: GraphLiveNode | undefined; edges: GraphLiveEdge[] }>();
  for (const call of calls) {
    if (call.direction === direction) {
      const id = direction === 'in' ? call.edge.source : call.edge.target;
      const of = found.get(id) ?? { node: call.peer, edges: [] };
      of.edges.push(call.edge);
      found.set(id, of);
    }
  }
  return [...found].map(([id, { node, edges }]) => ({ id, name: node?.name ?? id, node, edges, state: worst(edges) }));
}

const worst = (edges: readonly GraphLiveEdge[]): Health =>
  edges.reduce<Health>((most, e) => {
    const state: Health = e.idle ? 'idle' : e.health.state;
    return healthRank[state] < healthRank[most] ? state : most;
  }, 'healthy');

/** Those that are drawn: what is wrong is always among them. */
export const shownNeighbours = (all: readonly Neighbour[]): Neighbour[] =>
  all.length <= drawn
    ? [...all]
    : [...all].sort((a, b) => healthRank[a.state] - healthRank[b.state]).slice(0, drawn - 1);
