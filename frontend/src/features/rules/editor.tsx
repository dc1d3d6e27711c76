import { Button } from '@patternfly/react-core';
import { useMemo } from 'react';
import { type CheckState, useSchemas } from '../../api/check';
import type { LiveObject, PreviewEntry } from '../../api/generated/types.gen';
import { useSelected, useTopic } from '../../api/live/use-live';
import type { KnownValues } from '../../lib/field-help';
import { allFixes } from '../../lib/found';
import { useMend } from '../../parts/mend/use-mend';
import { applySplices } from '../../ui/code/code-note';
import { diffLines } from '../../ui/diff-lines';
import { SeverityGlyph } from '../../ui/glyph';
import { Banner } from '../../ui/states';
import { YamlEditor } from '../../ui/yaml/yaml-editor';
import type { TextStanding } from './standing';
import { useRulesTexts } from './texts';

const noFindings: never[] = [];

const hostsOf = (objects: ReadonlyMap<string, LiveObject>): string[] =>
  [...new Set([...objects.values()].flatMap((o) => (o.services ?? []).map((s) => s.split('/')[1] ?? s)))].sort();

/** What the mesh knows of values: the names of its services where a host is asked for. */
function useKnown(): KnownValues {
  const hosts = useSelected(useTopic('objects'), hostsOf);
  return (path) => (/(^|\.)hosts?(\.\[\])?$/.test(path.join('.')) ? hosts : []);
}

interface EditorProps {
  label: string;
  kind: string;
  text: string;
  /** What is written in the mesh; '' for a new object. */
  saved: string;
  onChange?: ((text: string) => void) | undefined;
  check: CheckState;
  /** Another object is to be changed or made along with this one. */
  onEntry: (entry: PreviewEntry) => void;
  focusAt?: number | undefined;
  takeFocus?: boolean | undefined;
}

export function Editor({ label, kind, text, saved, onChange, check, onEntry, focusAt, takeFocus }: EditorProps) {
  const t = useRulesTexts();
  const mending = useMend({ check, onText: (_, next) => onChange?.(next), onEntry });
  const changed = useMemo(
    () =>
      saved === '' ? [] : diffLines(saved, text, 0).flatMap((line) => (line.kind === 'added' ? [line.after] : [])),
    [saved, text],
  );
  return (
    <div className="ru-ed">
      <div role="status">
        {mending.nothing && <Banner tone="plain">{t('mend.nothing', { code: mending.nothing.code })}</Banner>}
        {mending.problem && <Banner tone="failing">{t('mend.failed')}</Banner>}
      </div>
      <YamlEditor
        label={label}
        value={text}
        onChange={onChange}
        findings={check.answer?.findings ?? noFindings}
        checked={check.of[0]?.text ?? ''}
        onMend={mending.mend}
        changedLines={changed}
        schemaOf={useSchemas([kind])}
        known={useKnown()}
        focusAt={focusAt}
        takeFocus={takeFocus}
      />
    </div>
  );
}

interface EditorFootProps {
  text: string;
  onText: (text: string) => void;
  check: CheckState;
  standing: TextStanding;
  onPreview: () => void;
  onRevert?: (() => void) | undefined;
  /** A new object, or one that is there. */
  isNew?: boolean;
}

/** Save, mend and count what is left. */
export function EditorFoot({ text, onText, check, standing, onPreview, onRevert, isNew = false }: EditorFootProps) {
  const t = useRulesTexts();
  const fixes = allFixes(check.answer?.findings ?? noFindings);
  const current = !check.checking && check.of[0]?.text === text;
  const { stop, errors, warnings } = standing;
  const said = check.error ? t('foot.checkFailed') : stop && stop !== 'errors' ? t.maybe(`foot.${stop}`) : undefined;
  return (
    <div className="ru-f">
      <Button variant="primary" isDisabled={stop !== undefined} onClick={onPreview}>
        {t(isNew ? 'foot.previewNew' : 'foot.preview')}
      </Button>
      {stop === 'errors' && standing.forceable && (
        <Button variant="link" onClick={onPreview}>
          {t('foot.anyway')}
        </Button>
      )}
      {fixes.count > 0 && current && (
        <Button variant="secondary" onClick={() => onText(applySplices(text, fixes.splices))}>
          {t('foot.fix', { count: fixes.count })}
        </Button>
      )}
      {onRevert && (
        <Button variant="link" onClick={onRevert}>
          {t('foot.revert')}
        </Button>
      )}
      <span className="fill" />
      <span className="ru-f-n" role="status">
        {said && <span className="dim">{said}</span>}
        {errors > 0 && (
          <span className="k-failing">
            <SeverityGlyph severity="error" size={12} label="" /> {t('foot.errors', { count: errors })}
          </span>
        )}
        {warnings > 0 && (
          <span className="k-degraded">
            <SeverityGlyph severity="warning" size={12} label="" /> {t('foot.warnings', { count: warnings })}
          </span>
        )}
      </span>
    </div>
  );
}
