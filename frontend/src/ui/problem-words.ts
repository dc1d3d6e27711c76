import { useCallback } from 'react';
import { useUiTexts } from './texts';

/** What went wrong, as a Problem of the API, a topic that failed, or whatever was thrown says it. */
export interface ProblemLike {
  /** HTTP status; 0 when the server did not answer. */
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  readonly title?: string | undefined;
  readonly detail?: string | undefined;
  readonly message?: string | undefined;
}

/** Stands for a value that the server did not send. */
const missing = '\u0000';

/**
 * The sentence about a problem: the catalogue's for its code, around the server's own words where
 * these say more than the code, or these alone where there is no such sentence.
 */
export function useProblemWords(): (problem: ProblemLike) => string {
  const t = useUiTexts();
  return useCallback(
    (problem) => {
      if (problem.status === 0) {
        return t('error.noAnswer');
      }
      const words = problem.detail || problem.title || problem.message || '';
      const seconds = problem.params?.seconds;
      const said = t.maybe(`problem.${problem.code}`, {
        words,
        seconds: typeof seconds === 'number' ? seconds : missing,
      });
      return said === undefined || said.includes(missing) ? words : said;
    },
    [t],
  );
}
