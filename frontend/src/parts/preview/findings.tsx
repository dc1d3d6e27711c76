import { Button } from '@patternfly/react-core';
import type { MeshFinding, PreviewFindings } from '../../api/generated/types.gen';
import { FindingText } from '../../ui/finding-text';
import { HealthGlyph, SeverityGlyph } from '../../ui/glyph';
import { usePreviewTexts } from './texts';
import './preview.css';

const rank: Record<string, number> = { error: 0, warning: 1, info: 2 };
const severity = (f: MeshFinding) => (f.severity === 'error' || f.severity === 'warning' ? f.severity : 'info');

const place = (f: MeshFinding) => `${f.ref.kind} ${f.ref.namespace ? `${f.ref.namespace}/` : ''}${f.ref.name}`;

/** A way to mend a finding by one click. */
export interface FindingFix {
  readonly label: string;
  readonly onFix: () => void;
}

interface FindingItemProps {
  finding: MeshFinding;
  gone?: boolean;
  fix?: FindingFix | undefined;
}

/** One finding: glyph, code, what it says, where, and what mends it. */
export function FindingItem({ finding, gone = false, fix }: FindingItemProps) {
  const t = usePreviewTexts();
  return (
    <li className={gone ? 'gone' : ''} data-code={finding.code}>
      {gone ? (
        <HealthGlyph health="healthy" size={13} label={t('findings.goesAway')} />
      ) : (
        <SeverityGlyph severity={severity(finding)} size={13} />
      )}
      <div>
        <b>{finding.code}</b> <FindingText finding={finding} />{' '}
        {fix && (
          <Button variant="link" isInline onClick={fix.onFix}>
            {fix.label}
          </Button>
        )}
        {!gone && (
          <span className="pv-place dim">
            {place(finding)}
            {finding.path ? ` ${finding.path}` : ''}
          </span>
        )}
      </div>
    </li>
  );
}

/** What is found once it is written: what goes away, then what is new, worst first. */
export function Findings({
  findings,
  fixOf,
}: {
  findings: PreviewFindings;
  /** What mends a finding, where it lies in a text that is being written. */
  fixOf?: (finding: MeshFinding) => FindingFix | undefined;
}) {
  const t = usePreviewTexts();
  const gone = findings.gone ?? [];
  const added = [...(findings.added ?? [])].sort((a, b) => (rank[a.severity] ?? 3) - (rank[b.severity] ?? 3));
  const facts = [
    gone.length > 0 && t('findings.gone', { count: gone.length }),
    added.length > 0 && t('findings.added', { count: added.length }),
    findings.kept > 0 && t('findings.kept', { count: findings.kept }),
  ].filter((fact) => fact !== false);
  return (
    <section className="pv-s">
      <h3>
        {t('findings')} <span className="dim num">{facts.length > 0 ? facts.join(t('and')) : t('findings.none')}</span>
      </h3>
      {gone.length + added.length > 0 && (
        <ul className="pv-fl">
          {gone.map((f, i) => (
            <FindingItem key={`gone ${f.code} ${f.path} ${i}`} finding={f} gone />
          ))}
          {added.map((f, i) => (
            <FindingItem key={`${f.code} ${f.path} ${i}`} finding={f} fix={fixOf?.(f)} />
          ))}
        </ul>
      )}
    </section>
  );
}
