import type { CanarySplit, GraphLiveNode, GraphVersion, Ref } from '../../../api/generated/types.gen';

export interface CanaryShare {
  readonly version: string;
  readonly pct: number;
  /** Among all versions of the service, which its weave follows. */
  readonly place: number;
}

/** A service whose traffic a rule splits between versions. */
export interface Canary {
  readonly node: GraphLiveNode;
  /** The stable one first, as the rule names them. */
  readonly shares: readonly CanaryShare[];
  /** The version that is tried: of those besides the stable one, the last. */
  readonly tried: CanaryShare;
  readonly stable: CanaryShare;
  /** How many shares of errors the tried one has more than the stable one; undefined when not measured. */
  readonly errorsMore: number | undefined;
  /** How many times as slow it is at p95. */
  readonly slower: number | undefined;
  readonly rule: Ref | undefined;
}

const measured = (node: GraphLiveNode, version: string): GraphVersion | undefined =>
  node.versions?.find((v) => v.version === version && v.rate > 0);

/**
 * The canary of a service, when a route of it sends to two versions or more: that for calls inside
 * the mesh first, otherwise one of a gateway.
 */
export function canaryOf(node: GraphLiveNode, split: CanarySplit): Canary | undefined {
  const shared = (split.candidates ?? []).filter(
    ({ ref, weights }) => ref && Object.values(weights).filter((pct) => pct > 0).length > 1,
  );
  const candidate = shared.find((c) => c.id === split.preselected) ?? shared[0];
  if (!candidate) {
    return undefined;
  }
  const shares = (split.versions ?? [])
    .map(({ version }, place) => ({ version, pct: candidate.weights[version] ?? 0, place }))
    .filter(({ pct }) => pct > 0);
  const stable = [...shares].sort((a, b) => b.pct - a.pct)[0];
  const tried = shares.findLast((s) => s !== stable);
  if (!stable || !tried) {
    return undefined;
  }
  const [a, b] = [measured(node, stable.version), measured(node, tried.version)];
  return {
    node,
    shares,
    tried,
    stable,
    errorsMore: a && b ? b.errorShare - a.errorShare : undefined,
    slower: a?.p95 && b?.p95 ? b.p95 / a.p95 : undefined,
    rule: candidate.ref,
  };
}

/** Services that may be split: several versions, and a rule that could do it. */
export const maySplit = (node: GraphLiveNode): boolean =>
  node.kind === 'service' &&
  (node.versions?.length ?? 0) > 1 &&
  (node.rules ?? []).some((r) => r.kind === 'VirtualService');
