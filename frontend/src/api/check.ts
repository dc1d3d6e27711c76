import { useQueries } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { FieldSchema } from '../lib/field-help';
import { apiKind } from '../lib/kinds';
import type { CheckOutputBody, Manifest } from './generated/types.gen';
import { asProblem, type Problem } from './problem';
import { path, request } from './request';
import { bumpRevision } from './revision';

/** What is wrong with texts that are being written. */
export interface CheckState {
  readonly answer: CheckOutputBody | undefined;
  /** The texts that the answer is about; the person may have written on. */
  readonly of: readonly Manifest[];
  /** True until the answer is about the texts as they are. */
  readonly checking: boolean;
  /** They hold what only the owner may try out, and were checked without the mesh. */
  readonly alone: boolean;
  /** Why there is no answer. */
  readonly error: Problem | undefined;
}

const pause = 300;
const nothing: CheckState = { answer: undefined, of: [], checking: false, alone: false, error: undefined };

/** Together with the running mesh; by themselves where the person may not try them out against it. */
async function ask(manifests: readonly Manifest[], signal: AbortSignal) {
  const check = (live: boolean) =>
    request<CheckOutputBody>('/api/v1/check', { method: 'POST', body: { manifests, live }, signal });
  try {
    return { answer: await check(true), alone: false };
  } catch (error) {
    if (signal.aborted || asProblem(error).code !== 'forbidden') {
      throw error;
    }
    return { answer: await check(false), alone: true };
  }
}

/** Checks texts together with the running mesh whenever typing pauses. Nothing is written. */
export function useCheck(manifests: readonly Manifest[]): CheckState {
  const key = JSON.stringify(manifests);
  const empty = manifests.every((m) => m.text.trim() === '');
  const latest = useRef(manifests);
  latest.current = manifests;
  const [state, setState] = useState<CheckState & { key: string }>({ ...nothing, key: '' });
  const first = state.key === '';

  useEffect(() => {
    if (empty) {
      return;
    }
    const abort = new AbortController();
    const of = latest.current;
    const timer = setTimeout(
      () => {
        ask(of, abort.signal)
          .then((said) => setState({ ...said, of, checking: false, error: undefined, key }))
          .catch((error: unknown) => {
            if (!abort.signal.aborted) {
              setState((old) => ({ ...old, error: asProblem(error), key }));
            }
          })
          .finally(bumpRevision);
      },
      first ? 0 : pause,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key, empty, first]);

  return useMemo(
    () =>
      empty ? nothing : { ...state, checking: state.key !== key, error: state.key === key ? state.error : undefined },
    [state, key, empty],
  );
}

/** The fields of kinds, as far as they are loaded; kinds that nobody describes have none. */
export function useSchemas(kinds: readonly string[]): (kind: string) => FieldSchema | undefined {
  const wanted = [...new Set(kinds)];
  const results = useQueries({
    queries: wanted.map((kind) => ({
      queryKey: ['schema', kind],
      queryFn: () => request<FieldSchema>(path`/api/v1/schemas/${apiKind(kind)}`),
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
    })),
  });
  return (kind) => results[wanted.indexOf(kind)]?.data;
}
