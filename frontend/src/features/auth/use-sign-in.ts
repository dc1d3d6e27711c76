import { useEffect, useState } from 'react';
import { asProblem } from '../../api/problem';
import { signIn } from '../../api/session';
import { useProblemWords } from '../../ui/problem-words';
import { useAuthTexts } from './texts';

/** One attempt after the other, with what to say about the last. */
export function useSignIn() {
  const t = useAuthTexts();
  const words = useProblemWords();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [wait, setWait] = useState(0);

  useEffect(() => {
    if (wait > 0) {
      const timer = setTimeout(() => setWait(wait - 1), 1000);
      return () => clearTimeout(timer);
    }
  }, [wait]);

  const attempt = async (name: string, password: string): Promise<boolean> => {
    if (!name || !password) {
      setFailure(t('empty'));
      return false;
    }
    setBusy(true);
    setFailure(null);
    try {
      await signIn(name, password);
      return true;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 401) {
        setFailure(t('wrong'));
      } else if (problem.status === 429) {
        setWait(Math.ceil(problem.retryAfter ?? 1));
      } else {
        setFailure(problem.status === 0 ? t('noAnswer') : t('failed', { reason: words(problem) }));
      }
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { attempt, busy, waiting: wait > 0, failure: wait > 0 ? t('throttled', { count: wait }) : failure };
}
