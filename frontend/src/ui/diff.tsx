import { useMemo } from 'react';
import { diffLines } from './diff-lines';
import { useUiTexts } from './texts';

interface DiffProps {
  before: string;
  after: string;
  /** What is compared: "VirtualService bookinfo/reviews". */
  label: string;
  context?: number;
}

/** What of a text changes, line by line, always with + and −. */
export function Diff({ before, after, label, context = 3 }: DiffProps) {
  const t = useUiTexts();
  const lines = useMemo(() => diffLines(before, after, context), [before, after, context]);
  if (!lines.some((l) => l.kind === 'added' || l.kind === 'removed')) {
    return <p className="dim">{t('diff.none')}</p>;
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by keyboard
    // biome-ignore lint/a11y/useSemanticElements: no fieldset
    <div className="diff mono" role="group" aria-label={label} tabIndex={0}>
      {lines.map((line, i) =>
        line.kind === 'kept' ? (
          <div key={i} className="d-skip">
            {t('diff.kept', { count: line.count })}
          </div>
        ) : (
          <div key={i} className={line.kind === 'added' ? 'd-add' : line.kind === 'removed' ? 'd-del' : 'd-same'}>
            <span className="d-n">{line.kind === 'removed' ? line.before : line.after}</span>
            <span className="d-k">{line.kind === 'added' ? '+' : line.kind === 'removed' ? '−' : ''}</span>
            <span>{line.text || ' '}</span>
          </div>
        ),
      )}
    </div>
  );
}
