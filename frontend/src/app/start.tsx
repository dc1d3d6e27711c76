import { lazy, Suspense, useEffect, useState } from 'react';
import { asProblem, type Problem } from '../api/problem';
import { loadSession } from '../api/session';
import { useSessionStatus } from '../api/session-store';
import { SignInPage } from '../features/auth/sign-in-page';
import { Failed, Loading } from '../ui/states';
import { LanguagePicker, ThemeSwitch } from './shell/choices';
import { useAppTexts } from './texts';

const App = lazy(() => import('./app').then((m) => ({ default: m.App })));

/** The sign-in page or the console. The console's code is loaded for who is signed in. */
export function Start() {
  const t = useAppTexts();
  const status = useSessionStatus();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks again
  useEffect(() => {
    setProblem(null);
    loadSession().catch((error: unknown) => setProblem(asProblem(error)));
  }, [attempt]);

  if (problem && status === 'unknown') {
    return <Failed title={t('start.failed')} error={problem} retry={() => setAttempt(attempt + 1)} />;
  }
  if (status === 'unknown') {
    return <Loading />;
  }
  if (status === 'signedOut') {
    return (
      <SignInPage
        choices={
          <>
            <LanguagePicker />
            <ThemeSwitch />
          </>
        }
      />
    );
  }
  return (
    <Suspense fallback={<Loading />}>
      <App />
    </Suspense>
  );
}
