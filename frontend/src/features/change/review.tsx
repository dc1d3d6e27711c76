import { Button, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useCheck, useSchemas } from '../../api/check';
import type {
  HistoryChange,
  MergeConflict,
  MeshFinding,
  PreviewEntry,
  Previewed,
  Service,
} from '../../api/generated/types.gen';
import { useMayWrite } from '../../api/rights';
import { fullName, kindWord } from '../../lib/kinds';
import { ApplyProblem } from '../../parts/preview/apply-problem';
import { applyCommand } from '../../parts/preview/command';
import { Conflicts } from '../../parts/preview/conflicts';
import { Findings } from '../../parts/preview/findings';
import { Settings } from '../../parts/preview/settings';
import { Told } from '../../parts/preview/told';
import { useApply } from '../../parts/preview/use-apply';
import { usePreview } from '../../parts/preview/use-preview';
import { applySplices } from '../../ui/code/code-note';
import { CopyButton } from '../../ui/copy-button';
import { Diff } from '../../ui/diff';
import { diffLines } from '../../ui/diff-lines';
import { Failed, Loading, NoRights } from '../../ui/states';
import { useFixLabel } from '../../ui/yaml/fix-label';
import { YamlEditor } from '../../ui/yaml/yaml-editor';
import type { Form, Intent } from './model/form';
import type { Condition } from './model/match';
import { readable } from './model/rule';
import { useChangeTexts } from './texts';
import { TryRequest } from './try-request';
import type { Base } from './use-target';
import { Words } from './words';

interface ReviewProps {
  intent: Intent;
  form: Form;
  /** Which requests the rule takes, as its text says. */
  conditions: readonly (readonly Condition[])[];
  service: Service;
  base: Base;
  yaml: string;
  entries: readonly PreviewEntry[];
  onYaml: (yaml: string) => void;
  onMerged: (conflict: MergeConflict, text: string) => void;
  onApplied: (change: HistoryChange | undefined) => void;
  /** What it would do is known, of the text as it stands. */
  onPreviewed: (preview: Previewed) => void;
  onBack: () => void;
  onCancel: () => void;
}

/** The last look: the YAML, which can still be edited, and all that it would do. */
export function Review(props: ReviewProps) {
  const { intent, form, conditions, service, base, yaml, entries, onYaml, onMerged, onApplied, onBack, onCancel } =
    props;
  const t = useChangeTexts();
  const may = useMayWrite()(entries.map((e) => e.ref));
  const [view, setView] = useState<'yaml' | 'diff'>('yaml');
  const { preview, problem, behind, retry } = usePreview(entries);
  const applying = useApply(onApplied);
  const previewed = useRef(props.onPreviewed);
  previewed.current = props.onPreviewed;
  useEffect(() => {
    if (preview && !behind) {
      previewed.current(preview);
    }
  }, [preview, behind]);
  const before = base.etag === '' ? '' : base.yaml;
  const changed = useMemo(
    () => diffLines(before, yaml).flatMap((l) => (l.kind === 'added' ? [l.after] : [])),
    [before, yaml],
  );
  const name = fullName(base.ref);
  // The objects are checked together: one makes the subsets that the other names.
  const manifests = useMemo(
    () => entries.flatMap((e) => (e.yaml === undefined ? [] : [{ file: fullName(e.ref), text: e.yaml }])),
    [entries],
  );
  const check = useCheck(manifests);
  const checked = check.of.find((f) => f.file === name)?.text ?? '';
  const findings = (check.answer?.findings ?? []).filter((f) => f.file === name);
  const schemaOf = useSchemas([kindWord(base.ref)]);
  const fixLabel = useFixLabel();
  /** The way to mend what the preview found, where it lies in this text. */
  const fixOf = (finding: MeshFinding) => {
    const found = findings.find((f) => f.code === finding.code && (f.path ?? '') === (finding.path ?? ''));
    const splices = found?.splices;
    return may && found && splices?.length && checked === yaml
      ? { label: fixLabel(found), onFix: () => onYaml(applySplices(yaml, splices)) }
      : undefined;
  };
  const conflicts = applying.conflicts.length > 0 ? applying.conflicts : (preview?.conflicts ?? []);
  const force = applying.forceable || (preview?.blocked === true && !preview.refused);
  const ready = preview && !behind && !preview.refused && conflicts.length === 0 && readable(yaml);
  return (
    <>
      <div className="cw-rv">
        <section className="cw-yaml" aria-label={name}>
          <div className="sh">
            <span>
              {base.ref.kind}{' '}
              <b>
                {base.ref.namespace}/{base.ref.name}
              </b>
            </span>
            <span className="dim num">{t('review.lines', { count: changed.length })}</span>
            <span className="fill" />
            <ToggleGroup isCompact aria-label={t('review.view')}>
              <ToggleGroupItem text="YAML" isSelected={view === 'yaml'} onChange={() => setView('yaml')} />
              <ToggleGroupItem text={t('review.diff')} isSelected={view === 'diff'} onChange={() => setView('diff')} />
            </ToggleGroup>
          </div>
          {view === 'yaml' ? (
            <YamlEditor
              value={yaml}
              label={t('review.label', { name })}
              changedLines={changed}
              onChange={may ? onYaml : undefined}
              findings={findings}
              checked={checked}
              schemaOf={schemaOf}
            />
          ) : (
            <div className="cw-diff">
              <Diff before={before} after={yaml} label={t('review.label', { name })} />
            </div>
          )}
        </section>
        <div className="cw-right" aria-busy={behind}>
          {conflicts.length > 0 && (
            <Conflicts
              conflicts={conflicts}
              onResolve={(conflict, text) => {
                applying.forget();
                onMerged(conflict, text);
              }}
            />
          )}
          {readable(yaml) && <Words intent={intent} form={form} conditions={conditions} service={service.name} />}
          {problem ? (
            <Failed error={problem} retry={retry} />
          ) : preview ? (
            <>
              <Findings findings={preview.findings} fixOf={fixOf} />
              <Settings settings={preview.settings ?? []} />
              <Told preview={preview} entries={entries} />
            </>
          ) : (
            <Loading lines={6} />
          )}
          <TryRequest service={service} yaml={yaml} entries={entries} />
        </div>
      </div>
      <footer className="cw-foot">
        <ApplyProblem applying={applying} />
        {may ? (
          <Button
            variant={force ? 'danger' : 'primary'}
            isDisabled={!ready || applying.busy}
            isLoading={applying.busy}
            onClick={() => applying.apply(entries, force ? { force: true } : {})}
          >
            {t(force ? 'applyAnyway' : 'apply')}
          </Button>
        ) : (
          <NoRights />
        )}
        <Button variant="secondary" onClick={onBack} isDisabled={applying.busy}>
          {t('back')}
        </Button>
        <Button variant="link" onClick={onCancel} isDisabled={applying.busy}>
          {t('cancel')}
        </Button>
        {preview && <CopyButton text={applyCommand(preview.written ?? [])}>{t('copyCommand')}</CopyButton>}
        <span className="fill" />
        <span className="dim">{preview?.refused ? t('refused') : t('nothingYet')}</span>
      </footer>
    </>
  );
}
