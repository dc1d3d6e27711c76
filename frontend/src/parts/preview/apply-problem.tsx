import { useProblemWords } from '../../ui/problem-words';
import { Banner } from '../../ui/states';
import { FindingItem } from './findings';
import { usePreviewTexts } from './texts';
import type { Applying } from './use-apply';
import './preview.css';

/** Why nothing was written: findings on the server's word, or its own sentence. */
export function ApplyProblem({ applying }: { applying: Applying }) {
  const t = usePreviewTexts();
  const words = useProblemWords();
  const { problem, conflicts, findings } = applying;
  if (!problem || conflicts.length > 0) {
    return null; // conflicts are shown where they are solved
  }
  return (
    <div role="alert" className="pv-p">
      <Banner tone="failing" lead={t('notWritten')}>
        {findings.length === 0 && words(problem)}
      </Banner>
      {findings.length > 0 && (
        <ul className="pv-fl">
          {findings.map((f, i) => (
            <FindingItem key={`${f.code} ${i}`} finding={f} />
          ))}
        </ul>
      )}
    </div>
  );
}
