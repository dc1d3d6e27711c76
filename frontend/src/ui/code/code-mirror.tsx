import { autocompletion, type CompletionSource, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { foldGutter, foldKeymap, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { useUiTexts } from '../texts';
import './code.css';
import { type CodeNote, splice } from './code-note';
import { codeNotes, setNotes } from './code-notes';

/** What is said of a field when the pointer rests on it. */
export interface HoverText {
  readonly title: string;
  readonly text: string;
}

export interface CodeProps {
  /** The text; the editor keeps cursor and history when it changes from outside. */
  value: string;
  /** What is edited, for screen readers. */
  label: string;
  /** Without it the text is only shown. */
  onChange?: (text: string) => void;
  notes?: readonly CodeNote[];
  /** Lines, from 1, that differ from what is saved. */
  changedLines?: readonly number[];
  /** Number of the first line. */
  firstLine?: number;
  complete?: CompletionSource;
  hover?: (text: string, offset: number) => HoverText | null;
  /** The place to look at: an offset; changing it moves there. */
  focusAt?: number | undefined;
  /** The person goes on typing at that place, rather than where the link or list was. */
  takeFocus?: boolean | undefined;
}

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--hd-code-key)' },
  { tag: [tags.string, tags.content], color: 'var(--hd-ink)' },
  { tag: [tags.comment, tags.meta], color: 'var(--hd-ink-3)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--hd-code-val)' },
]);

const setChanged = StateEffect.define<readonly number[]>();
const changedField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    let lines: readonly number[] | undefined;
    for (const effect of transaction.effects) {
      if (effect.is(setChanged)) {
        lines = effect.value;
      }
    }
    if (!lines) {
      return value.map(transaction.changes);
    }
    const builder = new RangeSetBuilder<Decoration>();
    for (const line of [...lines].sort((a, b) => a - b)) {
      if (line >= 1 && line <= transaction.state.doc.lines) {
        const { from } = transaction.state.doc.line(line);
        builder.add(from, from, Decoration.line({ class: 'cm-add' }));
      }
    }
    return builder.finish();
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The YAML editor: findings sit on their line, in words, with the fix. */
export function CodeMirror(props: CodeProps) {
  const { value, label, onChange, notes = noNotes, changedLines = noLines, firstLine = 1, focusAt, takeFocus } = props;
  const t = useUiTexts();
  const root = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const writable = Boolean(onChange);
  const access = useRef(new Compartment());
  const labels = { error: t('severity.error'), warning: t('severity.warning'), info: t('severity.info') };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once for a label and a language; the rest is told below
  useEffect(() => {
    if (!root.current) {
      return;
    }
    const made = new EditorView({
      parent: root.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          codeNotes(labels),
          lineNumbers({ formatNumber: (n) => String(n + firstLine - 1) }),
          foldGutter({ markerDOM: foldMark }),
          changedField,
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          yaml(),
          indentUnit.of('  '),
          EditorState.tabSize.of(2),
          syntaxHighlighting(highlight),
          autocompletion({ override: [(context) => latest.current.complete?.(context) ?? null], icons: false }),
          hoverTooltip((v, at) => {
            const said = latest.current.hover?.(v.state.doc.toString(), at);
            return said ? { pos: at, above: true, create: () => ({ dom: hoverBox(said) }) } : null;
          }),
          // Escape leaves the editor for who moves by keyboard: then Tab goes on.
          keymap.of([
            ...completionKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...foldKeymap,
            indentWithTab,
            ...defaultKeymap,
          ]),
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
          access.current.of(EditorState.readOnly.of(!writable)),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              latest.current.onChange?.(update.state.doc.toString());
            }
          }),
        ],
      }),
    });
    view.current = made;
    made.dispatch({
      effects: [setNotes.of(latest.current.notes ?? noNotes), setChanged.of(latest.current.changedLines ?? noLines)],
    });
    return () => {
      made.destroy();
      view.current = null;
    };
  }, [label, firstLine, labels.error]);

  useEffect(() => {
    const editor = view.current;
    const change = editor && splice(editor.state.doc.toString(), value);
    if (change) {
      editor.dispatch({ changes: change });
    }
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: access.current.reconfigure(EditorState.readOnly.of(!writable)) });
  }, [writable]);

  useEffect(() => {
    view.current?.dispatch({ effects: setNotes.of(notes) });
  }, [notes]);

  useEffect(() => {
    view.current?.dispatch({ effects: setChanged.of(changedLines) });
  }, [changedLines]);

  useEffect(() => {
    const editor = view.current;
    if (editor && focusAt !== undefined) {
      const at = Math.min(focusAt, editor.state.doc.length);
      editor.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
      if (takeFocus) {
        editor.focus();
      }
    }
  }, [focusAt, takeFocus]);

  return <div ref={root} className="code" />;
}

const noNotes: readonly CodeNote[] = [];
const noLines: readonly number[] = [];

function foldMark(open: boolean): HTMLElement {
  const mark = document.createElement('span');
  mark.className = 'cm-fold';
  mark.textContent = open ? '⌄' : '›';
  return mark;
}

function hoverBox({ title, text }: HoverText): HTMLElement {
  const box = document.createElement('div');
  box.className = 'cm-hover';
  const head = box.appendChild(document.createElement('b'));
  head.textContent = title;
  const words = box.appendChild(document.createElement('p'));
  words.textContent = text;
  return box;
}
