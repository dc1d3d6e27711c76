import { useMemo, useRef } from 'react';
import { findingMessage, useFindingCatalogue } from '../../i18n/findings';
import { type FieldSchema, fieldHelp, type KnownValues, proposals } from '../../lib/field-help';
import type { OtherFix } from '../../lib/fixes';
import { type Found, rangeOf } from '../../lib/found';
import { Code } from '../code/code';
import type { CodeProps } from '../code/code-mirror';
import type { CodeNote } from '../code/code-note';
import { useFixLabel, useOtherFixLabel } from './fix-label';
import { useYamlTexts } from './texts';

interface YamlEditorProps<F extends Found, O extends OtherFix>
  extends Pick<CodeProps, 'value' | 'label' | 'changedLines' | 'focusAt' | 'takeFocus'> {
  onChange?: ((text: string) => void) | undefined;
  /** What is wrong, of the text below. */
  findings: readonly (F & { readonly elsewhere?: readonly O[] | null })[];
  /** Makes a fix that lies in another object; without one, looks for any. */
  onMend?: ((finding: F, fix?: O) => void) | undefined;
  /** The text that was checked; a person may have typed on since. */
  checked: string;
  schemaOf: (kind: string) => FieldSchema | undefined;
  /** Values that the mesh knows: hosts, namespaces. */
  known?: KnownValues;
}

const severity = (text: string): CodeNote['severity'] => (text === 'error' || text === 'warning' ? text : 'info');

/**
 * The same list as long as it has the same members: one that is filtered at each drawing would
 * otherwise put the notes of an older text back on top of what was typed since.
 */
function useSame<T>(list: readonly T[]): readonly T[] {
  const kept = useRef(list);
  if (list.length !== kept.current.length || list.some((one, i) => one !== kept.current[i])) {
    kept.current = list;
  }
  return kept.current;
}

/** An editor of the mesh's objects: it completes and explains fields, and shows findings with their fix. */
export function YamlEditor<F extends Found, O extends OtherFix>(props: YamlEditorProps<F, O>) {
  const { findings, checked, schemaOf, known, onChange, onMend, ...rest } = props;
  const t = useYamlTexts();
  const catalogue = useFindingCatalogue();
  const fixLabel = useFixLabel();
  const otherLabel = useOtherFixLabel();
  const mend = useRef(onMend);
  mend.current = onMend;
  const waysOut = (finding: (typeof findings)[number]) => [
    ...(finding.elsewhere ?? []).map((fix) => ({
      label: otherLabel(fix),
      key: JSON.stringify([finding.path, fix]),
      onPick: () => mend.current?.(finding, fix),
    })),
    ...(finding.unsought && !finding.splices?.length
      ? [{ label: t('fix.seek'), key: finding.path ?? '', onPick: () => mend.current?.(finding) }]
      : []),
  ];
  const found = useSame(findings);
  // biome-ignore lint/correctness/useExhaustiveDependencies: labels follow the language, as the catalogue does; what is typed since takes the fixes away by itself
  const notes = useMemo(
    () =>
      found.map((finding, i): CodeNote => {
        const { from, to } = rangeOf(checked, finding);
        // A fix of an older text could hit another place.
        const mendable = checked === rest.value;
        return {
          id: `${i} ${finding.code}`,
          from,
          to,
          severity: severity(finding.severity),
          code: finding.code,
          text: findingMessage(finding, catalogue),
          ...(mendable && finding.splices?.length
            ? { fix: { label: fixLabel(finding), splices: finding.splices } }
            : {}),
          ...(mendable && onMend ? { actions: waysOut(finding) } : {}),
        };
      }),
    [found, checked, catalogue],
  );
  return (
    <Code
      {...rest}
      {...(onChange ? { onChange } : {})}
      notes={notes}
      complete={(context) => {
        const text = context.state.doc.toString();
        const found = proposals(text, context.pos, schemaOf, known);
        if (!found || (!context.explicit && found.from === context.pos && /\S$/.test(text.slice(0, context.pos)))) {
          return null;
        }
        return {
          from: found.from,
          options: found.proposals.map((p) => ({
            label: p.label,
            apply: p.insert,
            ...(p.detail ? { detail: p.detail } : {}),
            ...(p.info ? { info: p.info } : {}),
          })),
          validFor: /^[\w.\-/*]*$/,
        };
      }}
      hover={(text, offset) => {
        const help = fieldHelp(text, offset, schemaOf);
        return help && { title: help.type ? `${help.name}: ${help.type}` : help.name, text: help.text };
      }}
    />
  );
}
