import { useState } from 'react';
import type { ChangeOutputBody, HistoryChange, Ref } from '../../api/generated/types.gen';
import { asProblem, type Problem } from '../../api/problem';
import { path, request } from '../../api/request';

/** How it went with taking a change back. */
export type Undo =
  | { readonly state: 'asked'; readonly change: string }
  | { readonly state: 'done'; readonly change: string }
  | { readonly state: 'conflict' | 'refused'; readonly change: string; readonly ref: Ref | undefined }
  | { readonly state: 'failed'; readonly change: string; readonly problem: Problem };

/**
 * Takes changes back. Where something was changed since, or where the old state would be wrong
 * today, nothing is written: the rule's own page is where to go on.
 */
export function useUndo(written: () => void) {
  const [undo, setUndo] = useState<Undo>();
  const ask = async (change: HistoryChange) => {
    setUndo({ state: 'asked', change: change.id });
    try {
      await request<ChangeOutputBody>(path`/api/v1/changes/${change.id}/undo`, { method: 'POST', body: {} });
      setUndo({ state: 'done', change: change.id });
      written();
    } catch (error) {
      setUndo(refusal(change, asProblem(error)));
    }
  };
  return { undo, ask };
}

function refusal(change: HistoryChange, problem: Problem): Undo {
  const refs = (list: unknown) => (Array.isArray(list) ? (list as { ref?: Ref }[]).flatMap((x) => x.ref ?? []) : []);
  if (problem.status === 412) {
    const [ref = change.entries?.[0]?.ref] = refs(problem.body.conflicts);
    return { state: 'conflict', change: change.id, ref };
  }
  if (problem.status === 422) {
    return { state: 'refused', change: change.id, ref: change.entries?.[0]?.ref };
  }
  return { state: 'failed', change: change.id, problem };
}
