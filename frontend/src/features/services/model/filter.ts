import type { GraphLiveNode } from '../../../api/generated/types.gen';
import type { Health } from '../../../ui/glyph';

/** Whether a row of a list has all words of a filter in its name or place. */
export function matches(node: GraphLiveNode, text: string): boolean {
  const where = `${node.namespace ?? ''}/${node.name} ${node.app ?? ''}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => where.includes(word));
}

/** The states that some rows are in, with their count, what is wrong first. */
export function statesOf(nodes: readonly GraphLiveNode[]): { state: Health; count: number }[] {
  const order: readonly Health[] = ['failing', 'degraded', 'healthy', 'idle', 'unknown'];
  return order
    .map((state) => ({ state, count: nodes.filter((n) => n.health.state === state).length }))
    .filter((s) => s.count > 0);
}
