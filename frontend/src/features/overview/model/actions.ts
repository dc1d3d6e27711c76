import type { GraphLiveNode, HistoryChange, Ref } from '../../../api/generated/types.gen';
import { undoRefs } from '../../../parts/undo/undo-entries';

/** What likely helps: one thing, or nothing. */
export type Action =
  | { readonly kind: 'undo'; readonly change: HistoryChange }
  | { readonly kind: 'split'; readonly away: string }
  | { readonly kind: 'pods' };

interface Given {
  /** How many causes stand above it. */
  readonly depth: number;
  readonly changes: readonly HistoryChange[];
  readonly mayEdit: boolean;
  readonly mayWrite: (refs: readonly Ref[]) => boolean;
}

/** The number of the change that its trouble began right after. */
export const begunWith = (node: GraphLiveNode): string | undefined =>
  (node.health.why ?? []).find((w) => w.rule === 'startedAfterChange')?.params.change;

/**
 * The likely remedy: take back the change that it began with; move traffic away from the one
 * version that fails, when another is healthy; look at the pods when none is ready. An effect
 * has none of its own: its cause has.
 */
export function actionOf(node: GraphLiveNode, given: Given): Action | undefined {
  const { depth, changes, mayEdit, mayWrite } = given;
  if (depth > 0) {
    return undefined;
  }
  const reasons = node.health.reasons ?? [];
  const started = begunWith(node);
  const change = changes.find((c) => c.id === started);
  if (change?.undoable && !change.undoneBy && mayWrite(undoRefs(change))) {
    return { kind: 'undo', change };
  }
  if (reasons.some((r) => r.code === 'noEndpoints')) {
    return { kind: 'pods' };
  }
  const away = reasons.find((r) => r.version)?.version;
  const others = (node.versions ?? []).filter((v) => v.version !== away);
  if (mayEdit && node.kind === 'service' && away && others.some((v) => v.state === 'healthy' || v.state === 'idle')) {
    return { kind: 'split', away };
  }
  return undefined;
}
