import { Button } from '@patternfly/react-core';
import { WandSparkles } from 'lucide-react';
import { useMemo } from 'react';
import { type CheckState, useSchemas } from '../../api/check';
import { useFixes } from '../../api/fixes';
import type { Checked, Fix, Manifest, PreviewEntry } from '../../api/generated/types.gen';
import { useFindingCatalogue } from '../../i18n/findings';
import { rangeOf } from '../../lib/found';
import { fullName, kindWord } from '../../lib/kinds';
import { type Mending, useMend } from '../../parts/mend/use-mend';
import { applySplices } from '../../ui/code/code-note';
import { Diff } from '../../ui/diff';
import { FindingText } from '../../ui/finding-text';
import { HealthGlyph, type Severity, SeverityGlyph } from '../../ui/glyph';
import { ObjectLink } from '../../ui/object-link';
import { Failed, Loading } from '../../ui/states';
import { useOtherFixLabel } from '../../ui/yaml/fix-label';
import { YamlEditor } from '../../ui/yaml/yaml-editor';
import { type Part, partsOf } from './files';
import { useCheckTexts } from './texts';

interface FindingsStepProps {
  files: readonly Manifest[];
  check: CheckState;
  /** Which finding is looked at: its place in the list; else the worst. */
  chosen: number | undefined;
  onChoose: (index: number) => void;
  onText: (file: string, text: string) => void;
  /** An object of the mesh is to be changed too, or a new one made. */
  onEntry: (entry: PreviewEntry) => void;
}

const severity = (f: Checked): Severity => (f.severity === 'error' || f.severity === 'warning' ? f.severity : 'info');
const none: never[] = [];

export function FindingsStep({ files, check, chosen, onChoose, onText, onEntry }: FindingsStepProps) {
  const t = useCheckTexts();
  const mending = useMend({ check, onText, onEntry });
  const findings = check.answer?.findings ?? none;
  const documents = check.answer?.documents ?? none;
  const parts = useMemo(() => partsOf(documents, findings), [documents, findings]);
  const order = parts.flatMap((p) => p.findings);
  const finding =
    chosen === undefined
      ? (order.find((f) => f.severity === 'error') ?? order.find((f) => f.severity === 'warning') ?? order[0])
      : order[Math.min(chosen, order.length - 1)];
  const file = files.find((f) => f.file === finding?.file) ?? files[0];
  const schemaOf = useSchemas(documents.map((d) => kindWord(d.ref)));
  const own = useMemo(() => findings.filter((f) => f.file === file?.file), [findings, file?.file]);
  if (check.error && !check.answer) {
    return <Failed title={t('failed')} error={check.error} />;
  }
  if (!check.answer || !file) {
    return <Loading lines={8} />;
  }
  const checked = check.of.find((f) => f.file === file.file)?.text ?? '';
  return (
    <div className="ck">
      <nav className="ck-l" aria-label={t('findings.byObject')}>
        {parts.map((part, i) => (
          <section key={part.key}>
            {files.length > 1 && part.file !== parts[i - 1]?.file && (
              <p className="ck-file mono" data-ellipsis>
                {part.file}
              </p>
            )}
            <PartList
              part={part}
              first={parts.slice(0, i).reduce((n, p) => n + p.findings.length, 0)}
              chosen={finding}
              onChoose={onChoose}
            />
          </section>
        ))}
        <CannotTell check={check} />
      </nav>
      <section className="ck-c" aria-label={t('source')}>
        <YamlEditor
          key={file.file}
          label={file.file}
          value={file.text}
          onChange={(text) => onText(file.file, text)}
          findings={own}
          checked={checked}
          schemaOf={schemaOf}
          onMend={mending.mend}
          focusAt={finding && finding.file === file.file ? rangeOf(checked, finding).from : undefined}
        />
      </section>
      <section className="ck-r" aria-label={t('about')} aria-live="polite">
        {finding ? (
          <About
            finding={finding}
            file={file}
            files={files}
            live={!check.alone}
            current={!check.checking && checked === file.text}
            onText={onText}
            mending={mending}
          />
        ) : (
          <p className="ck-ok">
            <HealthGlyph health="healthy" size={16} label="" />
            {t('findings.clean')}
          </p>
        )}
      </section>
    </div>
  );
}

interface PartListProps {
  part: Part;
  first: number;
  chosen: Checked | undefined;
  onChoose: (index: number) => void;
}

function PartList({ part, first, chosen, onChoose }: PartListProps) {
  const t = useCheckTexts();
  return (
    <>
      <h2>{part.document ? fullName(part.document.ref) : t('findings.noObject', { line: part.line })}</h2>
      {part.findings.length === 0 ? (
        <p className="ck-ok">
          <HealthGlyph health="healthy" size={14} label="" />
          {t('findings.none')}
        </p>
      ) : (
        part.findings.map((f, i) => (
          <button
            key={`${f.code} ${f.path ?? ''} ${f.line ?? i}`}
            type="button"
            className={`ck-i${f === chosen ? ' on' : ''}`}
            aria-current={f === chosen ? 'true' : undefined}
            onClick={() => onChoose(first + i)}
          >
            <SeverityGlyph severity={severity(f)} size={14} />
            <span>
              <b>
                <FindingText finding={f} />
              </b>
              <span className="dim num">{t('findings.at', { code: f.code, line: f.line || f.documentLine })}</span>
            </span>
          </button>
        ))
      )}
    </>
  );
}

interface AboutProps {
  finding: Checked;
  file: Manifest;
  /** The finding is about the text as it stands. */
  current: boolean;
  files: readonly Manifest[];
  /** They are checked together with the mesh. */
  live: boolean;
  onText: (file: string, text: string) => void;
  mending: Mending;
}

/** What a finding means, why it matters, and what mends it. */
function About({ finding, file, files, live, current, onText, mending }: AboutProps) {
  const t = useCheckTexts();
  const words = useFindingCatalogue()?.[finding.code];
  // What there was too much of to look for is looked for when somebody looks at it.
  const sought = useFixes(
    current && finding.unsought
      ? {
          manifests: [...files],
          live,
          code: finding.code,
          ref: finding.ref,
          ...(finding.path ? { path: finding.path } : {}),
        }
      : undefined,
  );
  const own = finding.splices?.length ? finding.splices : sought?.find((f) => f.does === 'edit')?.splices;
  const fixed = current && own?.length ? applySplices(file.text, own) : undefined;
  const others = current ? (sought?.filter((f) => f.does !== 'edit') ?? finding.elsewhere ?? []) : [];
  const related = finding.related ?? [];
  const same = finding.sameAs ?? [];
  return (
    <>
      <h2>
        <SeverityGlyph severity={severity(finding)} size={16} />
        <span>
          <FindingText finding={finding} />
        </span>
      </h2>
      <p className="dim num">
        {t('about.place', {
          code: finding.code,
          severity: t.maybe(`severity.${finding.severity}`) ?? finding.severity,
          name: finding.ref.name ? fullName(finding.ref) : file.file,
          line: finding.line || finding.documentLine,
        })}
      </p>
      {words && (
        <>
          <h3>{t('about.why')}</h3>
          <p>{words.why}</p>
          <h3>{t('about.fix')}</h3>
          <p>{words.fix}</p>
        </>
      )}
      {related.length > 0 && (
        <>
          <h3>{t('about.related')}</h3>
          <ul className="ck-rel">
            {related.map((ref) => (
              <li key={fullName(ref)}>
                <ObjectLink to={ref} />
              </li>
            ))}
          </ul>
        </>
      )}
      {fixed !== undefined && (
        <>
          <h3>{t('about.oneClick')}</h3>
          <Diff before={file.text} after={fixed} context={1} label={t('about.diff', { code: finding.code })} />
          <Button
            variant="primary"
            icon={<WandSparkles size={14} strokeWidth={1.7} aria-hidden />}
            onClick={() => onText(file.file, fixed)}
          >
            {t('about.apply')}
          </Button>
        </>
      )}
      {others.map((fix) => (
        <Elsewhere
          key={`${fix.does} ${fullName(fix.ref)}`}
          fix={fix}
          finding={finding}
          files={files}
          mending={mending}
        />
      ))}
      {same.length > 0 && <p className="dim">{t('about.same', { codes: same.join(', ') })}</p>}
    </>
  );
}

interface ElsewhereProps {
  fix: Fix;
  finding: Checked;
  files: readonly Manifest[];
  mending: Mending;
}

/** A fix that lies in another object: in one of the texts, or in the mesh. */
function Elsewhere({ fix, finding, files, mending }: ElsewhereProps) {
  const t = useCheckTexts();
  const label = useOtherFixLabel();
  const text = files.find((f) => f.file === fix.file)?.text;
  return (
    <>
      <h3>{t('about.otherFix')}</h3>
      {text !== undefined && fix.splices?.length ? (
        <Diff
          before={text}
          after={applySplices(text, fix.splices)}
          context={1}
          label={t('about.diff', { code: finding.code })}
        />
      ) : (
        <p className="ck-beside">{t('about.beside')}</p>
      )}
      <Button
        variant="primary"
        icon={<WandSparkles size={14} strokeWidth={1.7} aria-hidden />}
        isDisabled={mending.asking}
        onClick={() => mending.mend(finding, fix)}
      >
        {label(fix)}
      </Button>
      <div role="status">
        {mending.nothing === finding && <p>{t('mend.nothing', { code: finding.code })}</p>}
        {mending.problem && <p className="k-failing">{t('mend.failed')}</p>}
      </div>
    </>
  );
}

function CannotTell({ check }: { check: CheckState }) {
  const t = useCheckTexts();
  const untold = check.answer?.cannotTell ?? none;
  if (untold.length === 0) {
    return null;
  }
  return (
    <section>
      <h2>{t('cannotTell')}</h2>
      <p className="ck-ok dim">
        {t('cannotTell.text', { count: untold.length, codes: [...new Set(untold.map((u) => u.code))].join(', ') })}
      </p>
    </section>
  );
}
