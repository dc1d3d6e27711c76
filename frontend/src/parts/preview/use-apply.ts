import { useRef, useState } from 'react';
import type {
  ChangeOutputBody,
  HistoryChange,
  MergeConflict,
  MeshFinding,
  PreviewEntry,
} from '../../api/generated/types.gen';
import { asProblem, type Problem } from '../../api/problem';
import { request } from '../../api/request';

export interface Applying {
  readonly busy: boolean;
  /** Why nothing was written. */
  readonly problem: Problem | undefined;
  readonly conflicts: readonly MergeConflict[];
  readonly findings: readonly MeshFinding[];
  /** True where it may be written in spite of the findings. */
  readonly forceable: boolean;
  readonly apply: (entries: readonly PreviewEntry[], options?: { force?: boolean; undoes?: string }) => void;
  readonly forget: () => void;
}

/** Writes a change, all of it or nothing. */
export function useApply(onApplied: (change: HistoryChange | undefined) => void): Applying {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const running = useRef(false);
  const apply: Applying['apply'] = async (entries, options = {}) => {
    if (running.current) {
      return; // one click is one change
    }
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await request<ChangeOutputBody>('/api/v1/changes', {
        method: 'PUT',
        body: { entries, ...options },
      });
      onApplied(answer.change);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  const list = <T>(name: string) => (Array.isArray(problem?.body[name]) ? (problem.body[name] as T[]) : []);
  return {
    busy,
    problem,
    conflicts: list<MergeConflict>('conflicts'),
    findings: list<MeshFinding>('findings'),
    forceable: problem?.body.forceable === true,
    apply: (entries, options) => void apply(entries, options),
    forget: () => setProblem(undefined),
  };
}
