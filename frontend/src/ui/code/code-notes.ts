import { type EditorState, type Extension, type Range, RangeSet, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, GutterMarker, gutter, WidgetType } from '@codemirror/view';
import type { CodeNote } from './code-note';

/** Replaces all notes of the editor. */
export const setNotes = StateEffect.define<readonly CodeNote[]>();

const svg = 'http://www.w3.org/2000/svg';
const shapes = {
  error: ['failing', ['M4.4.8h5.2l3.6 3.6v5.2l-3.6 3.6H4.4L.8 9.6V4.4z', 'M4.9 4.9l4.2 4.2M9.1 4.9L4.9 9.1']],
  warning: ['degraded', ['M7 1.3l6 11H1z', 'M7 5.2v3.4M7 10.4v.3']],
  info: ['unknown', ['M7 1.4a5.6 5.6 0 1 0 0 11.2A5.6 5.6 0 0 0 7 1.4z', 'M7 6.2v3.4M7 4v.3']],
} as const;

function glyph(severity: CodeNote['severity'], label: string): SVGElement {
  const [health, [body, mark]] = shapes[severity];
  const element = document.createElementNS(svg, 'svg');
  for (const [name, value] of Object.entries({
    width: '13',
    height: '13',
    viewBox: '0 0 14 14',
    class: `hg hg-${health}`,
    role: 'img',
    'aria-label': label,
  })) {
    element.setAttribute(name, value);
  }
  const outer = element.appendChild(document.createElementNS(svg, 'path'));
  outer.setAttribute('d', body);
  outer.setAttribute('fill', 'currentColor');
  const inner = element.appendChild(document.createElementNS(svg, 'path'));
  inner.setAttribute('d', mark);
  inner.setAttribute('fill', 'none');
  inner.setAttribute('stroke', 'var(--hg-on)');
  inner.setAttribute('stroke-width', '1.6');
  inner.setAttribute('stroke-linecap', 'round');
  return element;
}

class Mark extends GutterMarker {
  readonly severity: CodeNote['severity'];
  readonly label: string;
  constructor(severity: CodeNote['severity'], label: string) {
    super();
    this.severity = severity;
    this.label = label;
  }
  override eq(other: Mark): boolean {
    return other.severity === this.severity;
  }
  override toDOM(): HTMLElement {
    const element = document.createElement('span');
    element.className = 'cm-fmark';
    element.append(glyph(this.severity, this.label));
    return element;
  }
}

/** The words below a line. No vertical margins: the editor measures the box. */
class Note extends WidgetType {
  readonly note: CodeNote;
  readonly labels: Labels;
  constructor(note: CodeNote, labels: Labels) {
    super();
    this.note = note;
    this.labels = labels;
  }
  override eq(other: Note): boolean {
    const [a, b] = [this.note, other.note];
    return (
      a.id === b.id && a.text === b.text && JSON.stringify([a.fix, a.actions]) === JSON.stringify([b.fix, b.actions])
    );
  }
  override toDOM(view: EditorView): HTMLElement {
    const { note } = this;
    const outer = document.createElement('div');
    outer.className = 'cm-note-w';
    outer.contentEditable = 'false';
    outer.dataset.code = note.code;
    const box = outer.appendChild(document.createElement('div'));
    box.className = `cm-note n-${note.severity}`;
    box.append(glyph(note.severity, this.labels[note.severity]));
    const words = box.appendChild(document.createElement('div'));
    const code = words.appendChild(document.createElement('b'));
    code.textContent = note.code;
    words.append(` ${note.text}`);
    const { fix, actions = [] } = note;
    if (view.state.readOnly || (!fix && actions.length === 0)) {
      return outer;
    }
    const ways = box.appendChild(document.createElement('div'));
    ways.className = 'cm-ways';
    const offer = (label: string, onPick: () => void) => {
      const button = ways.appendChild(document.createElement('button'));
      button.type = 'button';
      button.textContent = label;
      button.addEventListener('click', onPick);
    };
    if (fix) {
      offer(fix.label, () => {
        view.dispatch({
          changes: fix.splices.map((s) => ({ from: s.from, to: s.to, insert: s.insert })),
          userEvent: 'input.fix',
        });
        view.focus();
      });
    }
    for (const { label, onPick } of actions) {
      offer(label, onPick);
    }
    return outer;
  }
  override ignoreEvent(): boolean {
    return true;
  }
}

/** What the glyphs are called. */
export type Labels = Record<CodeNote['severity'], string>;

interface Notes {
  notes: readonly CodeNote[];
  decorations: DecorationSet;
  marks: RangeSet<GutterMarker>;
}

const rank = { error: 0, warning: 1, info: 2 } as const;

function build(state: EditorState, notes: readonly CodeNote[], labels: Labels): Notes {
  const decorations: Range<Decoration>[] = [];
  const marks = new Map<number, CodeNote['severity']>();
  const clamp = (at: number) => Math.max(0, Math.min(at, state.doc.length));
  for (const note of notes) {
    const from = clamp(note.from);
    const to = clamp(Math.max(note.from, note.to));
    const line = state.doc.lineAt(from);
    const known = marks.get(line.from);
    if (!known || rank[note.severity] < rank[known]) {
      marks.set(line.from, note.severity);
    }
    if (to > from) {
      decorations.push(Decoration.mark({ class: `cm-u cm-u-${note.severity}` }).range(from, to));
    }
    decorations.push(
      Decoration.widget({ widget: new Note({ ...note, from, to }, labels), block: true, side: 1 }).range(line.to),
    );
  }
  for (const [at, severity] of marks) {
    decorations.push(Decoration.line({ class: `cm-fl cm-fl-${severity}` }).range(at));
  }
  const markRanges = [...marks]
    .sort(([a], [b]) => a - b)
    .map(([at, severity]) => new Mark(severity, labels[severity]).range(at));
  return { notes, decorations: Decoration.set(decorations, true), marks: RangeSet.of(markRanges, true) };
}

/** Findings on their lines: a glyph in the gutter, the range underlined, a note below with its fix. */
export function codeNotes(labels: Labels): Extension {
  const field = StateField.define<Notes>({
    create: (state) => build(state, [], labels),
    update(value, transaction) {
      let { notes } = value;
      let changed = false;
      if (transaction.docChanged) {
        // Until the next check the notes go along with their text; a fix of an older text is
        // not offered, because it could hit another place.
        notes = notes.map(({ fix: _fix, actions: _actions, ...note }) => ({
          ...note,
          from: transaction.changes.mapPos(note.from, 1),
          to: transaction.changes.mapPos(note.to, -1),
        }));
        changed = true;
      }
      for (const effect of transaction.effects) {
        if (effect.is(setNotes)) {
          notes = effect.value;
          changed = true;
        }
      }
      return changed ? build(transaction.state, notes, labels) : value;
    },
    provide: (f) => EditorView.decorations.from(f, (value) => value.decorations),
  });
  return [
    field,
    gutter({
      class: 'cm-fg',
      markers: (view) => view.state.field(field).marks,
      initialSpacer: () => new Mark('error', labels.error),
    }),
  ];
}
