import type { ErrorComponentProps } from '@tanstack/react-router';
import { asProblem } from '../api/problem';
import { Failed } from '../ui/states';
import { useAppTexts } from './texts';

/** A page that threw: the shell around it works on. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const t = useAppTexts();
  return (
    <div className="page">
      <div className="body">
        <Failed title={t('broken.title')} error={error instanceof Error ? error : asProblem(error)} retry={reset} />
      </div>
    </div>
  );
}
