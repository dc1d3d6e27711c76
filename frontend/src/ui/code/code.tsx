import { lazy, Suspense } from 'react';
import { Loading } from '../states';
import type { CodeProps } from './code-mirror';

const CodeMirror = lazy(() => import('./code-mirror').then((m) => ({ default: m.CodeMirror })));

/** The YAML editor; its code is loaded when the first one is shown. */
export function Code(props: CodeProps) {
  return (
    <Suspense fallback={<Loading lines={8} />}>
      <CodeMirror {...props} />
    </Suspense>
  );
}
