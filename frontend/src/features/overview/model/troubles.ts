import type { GraphLiveNode } from '../../../api/generated/types.gen';
import { healthRank } from '../../../ui/glyph';

/** Something that is wrong, and how many causes stand above it. */
export interface Trouble {
  readonly node: GraphLiveNode;
  readonly depth: number;
}

const isWrong = (node: GraphLiveNode) => node.health.state === 'failing' || node.health.state === 'degraded';

/** The node that makes this one fail or wait. */
const causeOf = (node: GraphLiveNode): string | undefined =>
  (node.health.why ?? []).find((w) => w.rule !== 'startedAfterChange' && w.params.node !== node.id)?.params.node;

/** Failing first, then what fails most requests, then by name, so that rows do not jump. */
function worst(a: GraphLiveNode, b: GraphLiveNode): number {
  return (
    healthRank[a.health.state] - healthRank[b.health.state] ||
    b.rate * b.errorShare - a.rate * a.errorShare ||
    (a.name < b.name ? -1 : 1)
  );
}

/**
 * What is wrong, the worst first, each cause before its effects. What is looked at decides which
 * effects are shown; their causes are shown wherever they are.
 */
export function troubles(nodes: readonly GraphLiveNode[], looked: (node: GraphLiveNode) => boolean): Trouble[] {
  const wrong = new Map(nodes.filter(isWrong).map((n) => [n.id, n]));
  const cause = (node: GraphLiveNode) => wrong.get(causeOf(node) ?? '');
  const shown = new Set<GraphLiveNode>();
  for (const node of wrong.values()) {
    for (let at = looked(node) ? node : undefined; at && !shown.has(at); at = cause(at)) {
      shown.add(at);
    }
  }
  const effects = new Map<GraphLiveNode | undefined, GraphLiveNode[]>();
  for (const node of shown) {
    const above = cause(node);
    effects.set(above, [...(effects.get(above) ?? []), node]);
  }
  const out: Trouble[] = [];
  const told = new Set<GraphLiveNode>();
  const tell = (list: readonly GraphLiveNode[], depth: number) => {
    for (const node of [...list].sort(worst)) {
      if (!told.has(node)) {
        told.add(node);
        out.push({ node, depth });
        tell(effects.get(node) ?? [], depth + 1);
      }
    }
  };
  tell(effects.get(undefined) ?? [], 0);
  // Two that wait for each other have no first cause.
  tell(
    [...shown].filter((n) => !told.has(n)),
    0,
  );
  return out;
}
