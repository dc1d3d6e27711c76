import { Button } from '@patternfly/react-core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { FileUp } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useCheck } from '../../api/check';
import type { HistoryChange, Manifest } from '../../api/generated/types.gen';
import { useCan } from '../../api/session-store';
import { changeAddress } from '../../lib/addresses';
import { useDraft } from '../../lib/drafts';
import { splicesIn } from '../../lib/fixes';
import { allFixes, isUnreadable } from '../../lib/found';
import { fullName } from '../../lib/kinds';
import { oneOf } from '../../lib/search';
import { PreviewDrawer } from '../../parts/preview/preview-drawer';
import { applySplices } from '../../ui/code/code-note';
import { SeverityGlyph } from '../../ui/glyph';
import { PageHead } from '../../ui/page';
import { Banner } from '../../ui/states';
import './check.css';
import { EffectStep, useWritable } from './effect-step';
import { addFiles, entriesOf, readFiles, refKey } from './files';
import { FindingsStep } from './findings-step';
import { InputStep } from './input-step';
import { Steps } from './steps';
import { useCheckTexts } from './texts';

const steps = ['input', 'findings', 'effect', 'apply'] as const;
type StepName = (typeof steps)[number];
const none: never[] = [];

/** Checks manifests before they go live: findings, their fixes, the effect, and all or some applied. */
export function CheckPage() {
  const t = useCheckTexts();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as { step?: string; finding?: string };
  const [stored, store] = useDraft('check', '[]');
  const files = useMemo(() => readFiles(stored), [stored]);
  const put = (next: readonly Manifest[]) => store(JSON.stringify(next));
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set());
  const [applied, setApplied] = useState<{ change: HistoryChange | undefined }>();
  const check = useCheck(files);
  const writable = useWritable();
  const mayEdit = useCan('editTraffic');
  const asked = oneOf(steps, search.step);
  // An address cannot lead behind what there is.
  const step: StepName = files.length === 0 ? 'input' : asked === 'apply' && !applied ? 'effect' : asked;
  const go = (to: StepName) =>
    void navigate({
      to: '.',
      search: (old: object) => ({ ...old, step: to === 'input' ? undefined : to, finding: undefined }),
    });

  const findings = check.answer?.findings ?? none;
  const documents = check.answer?.documents ?? none;
  const errors = findings.filter((f) => f.severity === 'error').length;
  const warnings = findings.filter((f) => f.severity === 'warning').length;
  const unreadable = findings.some((f) => f.severity === 'error' && isUnreadable(f.code));
  const current = !check.checking && check.answer !== undefined;
  const fixes = files.map((file) => ({
    file,
    ...allFixes(findings.map((f) => ({ splices: [...splicesIn(file.file, f)] }))),
  }));
  const fixable = fixes.reduce((n, f) => n + f.count, 0);
  const entries = useMemo(
    () =>
      step === 'effect' && current
        ? entriesOf(
            files,
            // Who may only look still sees what all of it would do.
            documents.filter((d) => (mayEdit ? writable(d) : d.state !== 'unchanged')),
            (ref) => !without.has(refKey(ref)),
          )
        : none,
    [step, current, files, documents, without, writable, mayEdit],
  );

  const counted = [
    ...(errors > 0 ? [t('count.errors', { count: errors })] : []),
    ...(warnings > 0 ? [t('count.warnings', { count: warnings })] : []),
  ].join(t('and'));
  const about: Record<StepName, string> = {
    input: documents.length > 0 ? t('count.objects', { count: documents.length }) : t('step.input.about'),
    findings: check.answer ? counted || t('count.none') : t('step.findings.about'),
    effect: t('step.effect.about'),
    apply: t('step.apply.about'),
  };
  const at = steps.indexOf(step);

  return (
    <div className="page">
      <PageHead
        title={t('title')}
        facts={
          files.length > 0 && <span data-ellipsis>{t('from', { files: files.map((f) => f.file).join(', ') })}</span>
        }
        actions={
          step !== 'input' && (
            <Button
              variant="secondary"
              icon={<FileUp size={14} strokeWidth={1.7} aria-hidden />}
              onClick={() => go('input')}
            >
              {t('other')}
            </Button>
          )
        }
      />
      <div className="ck-p">
        <Steps
          label={t('steps')}
          current={at}
          steps={steps.map((id, i) => ({
            id,
            title: t(`step.${id}`),
            about: about[id],
            spoken: t(i < at ? 'step.done' : i === at ? 'step.current' : 'step.todo', { name: t(`step.${id}`) }),
          }))}
        />
      </div>
      <div className="ck-b">
        {step === 'input' && <InputStep files={files} onFiles={put} />}
        {step === 'findings' && check.alone && (
          <p className="ck-say" role="status">
            {t.rich('alone', { command: <span className="mono">heddle apply --dry-run</span> })}
          </p>
        )}
        {step === 'findings' && (
          <FindingsStep
            files={files}
            check={check}
            chosen={/^\d+$/.test(search.finding ?? '') ? Number(search.finding) : undefined}
            onChoose={(index) =>
              void navigate({ to: '.', search: (old: object) => ({ ...old, finding: String(index) }), replace: true })
            }
            onText={(name, text) => put(files.map((f) => (f.file === name ? { ...f, text } : f)))}
            onEntry={(entry) => {
              // It joins the texts, so that it is checked and written together with them.
              put(addFiles(files, [{ file: fullName(entry.ref), text: entry.yaml ?? '' }]));
              go('effect');
            }}
          />
        )}
        {step === 'effect' && <EffectStep documents={documents} without={without} onWithout={setWithout} />}
        {step === 'apply' && applied && (
          <div className="body">
            <Banner
              tone="plain"
              lead={applied.change ? t('applied') : t('applied.nothing')}
              action={applied.change && <Link to={changeAddress(applied.change.id)}>{t('applied.follow')}</Link>}
            >
              {applied.change && t('applied.text', { count: applied.change.entries?.length ?? 0 })}
            </Banner>
          </div>
        )}
      </div>
      <div className="ck-f">
        {step === 'input' && (
          <Button variant="primary" isDisabled={files.length === 0} onClick={() => go('findings')}>
            {t('next.findings')}
          </Button>
        )}
        {step === 'findings' && (
          <>
            <Button
              variant="primary"
              isDisabled={!current || unreadable || documents.length === 0}
              onClick={() => go('effect')}
            >
              {t('next.effect')}
            </Button>
            {fixable > 0 && current && (
              <Button
                variant="secondary"
                onClick={() =>
                  put(fixes.map(({ file, splices }) => ({ ...file, text: applySplices(file.text, splices) })))
                }
              >
                {t('fixAll', { count: fixable })}
              </Button>
            )}
          </>
        )}
        {(step === 'effect' || step === 'apply') && (
          <Button variant="secondary" onClick={() => go('findings')}>
            {t('back.findings')}
          </Button>
        )}
        <span className="fill" />
        <span className="ck-f-n" role="status">
          {check.error ? (
            <span className="k-failing">{t('failed')}</span>
          ) : check.checking ? (
            <span className="dim">{t('checking')}</span>
          ) : (
            errors > 0 && (
              <span className="k-failing">
                <SeverityGlyph severity="error" size={12} label="" /> {t('left', { count: errors })}
              </span>
            )
          )}
          <span className="dim">{t.rich('engine', { command: <span className="mono">heddle analyze</span> })}</span>
        </span>
      </div>
      {step === 'effect' && entries.length > 0 && (
        <PreviewDrawer
          entries={entries}
          onApplied={(change) => {
            setApplied({ change });
            go('apply');
          }}
          onClose={() => go('findings')}
        />
      )}
    </div>
  );
}
