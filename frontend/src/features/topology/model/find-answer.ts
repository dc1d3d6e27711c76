import type { GraphLiveNode } from '../../../api/generated/types.gen';
import type { Findable, Finding } from './find';

export const findable = (node: GraphLiveNode): Findable => ({
  name: node.name,
  namespace: node.namespace ?? '',
  rate: node.unit === 'rps' ? node.rate : 0,
  errorShare: node.errorShare,
  ...(node.p95 === undefined ? {} : { p95: node.p95 }),
  versions: [...(node.versions ?? []).map((v) => v.version), ...(node.version ? [node.version] : [])],
  state: node.health.state,
  protocols: [...new Set([...(node.in ?? []), ...(node.out ?? [])].map((r) => r.protocol))],
});

/** Who has most of what was looked for, to be told when nothing has enough of it. */
export function closest(
  nodes: readonly GraphLiveNode[],
  finding: Finding,
): { field: 'rate' | 'error' | 'p95'; node: GraphLiveNode } | undefined {
  const field = finding.field;
  if (!field) {
    return undefined;
  }
  const value = (n: GraphLiveNode) => {
    const f = findable(n);
    return (field === 'rate' ? f.rate : field === 'error' ? f.errorShare : f.p95) ?? -1;
  };
  let node: GraphLiveNode | undefined;
  for (const one of nodes) {
    if (!node || value(one) > value(node)) {
      node = one;
    }
  }
  return node && value(node) >= 0 ? { field, node } : undefined;
}
