import { useMemo, useState } from 'react';
import type { MergeConflict, PreviewEntry } from '../../api/generated/types.gen';
import { useDraft } from '../../lib/drafts';
import { refKey, withMerged } from '../../parts/preview/resolve';
import { type Context, emptyForm, type Form, type Intent, mistakes } from './model/form';
import { takesAll } from './model/match';
import { readable, readForm, readRules, versionsNamed } from './model/rule';
import { withSubsets } from './model/subsets';
import { writeForm } from './model/write';
import type { Base } from './use-target';

/** What is typed so far; kept through a reload and the end of a session. */
interface Draft {
  /** The text that was edited by hand, or merged; without one it is that of the mesh. */
  readonly source?: string;
  /** The version that a merge was made with. */
  readonly etag?: string;
  readonly form?: Form;
}

/** The rule that an intention begins with: the one for all requests, or a new one. */
function beginning(intent: Intent, base: Base, context: Context): Form {
  const rules = readRules(base.yaml) ?? [];
  const rest = rules.find((r) => takesAll(r.conditions));
  if (intent === 'route' || !rest) {
    const form = readForm(base.yaml, 'new', context);
    const shares = Object.fromEntries(context.versions.map((v, i) => [v.version, i === 0 ? '100' : '0']));
    return { ...form, shares, by: intent === 'route' ? 'user' : 'all' };
  }
  return readForm(base.yaml, rest.index, context);
}

/** A rule between form and text: whichever is changed, the other follows. */
export function useRule(
  key: string,
  intent: Intent,
  given: Base | undefined,
  destination: Base | null | undefined,
  context: Context,
) {
  const [stored, store, forget] = useDraft(`change ${key}`, '');
  const [asked, setAsked] = useState(false);
  const draft = useMemo<Draft>(() => {
    try {
      return stored ? (JSON.parse(stored) as Draft) : {};
    } catch {
      return {};
    }
  }, [stored]);
  if (!given) {
    return undefined;
  }
  const base: Base = draft.etag === undefined ? given : { ...given, etag: draft.etag };
  const source = draft.source ?? base.yaml;
  const rules = readRules(source) ?? [];
  // The rule that a form was begun for may be gone from the mesh by now.
  const lost = draft.source === undefined && typeof draft.form?.where === 'number' && !rules[draft.form.where];
  const form = draft.form && !lost ? { ...emptyForm, ...draft.form } : beginning(intent, base, context);
  const sound = Object.keys(mistakes(intent, form, context)).length === 0 && readable(source);
  const written = sound ? writeForm(source, intent, form, context) : undefined;
  const yaml = written?.yaml ?? source;
  const save = (next: Draft) => store(JSON.stringify(next));

  const subsets =
    destination === undefined ? undefined : withSubsets(destination?.yaml, versionsNamed(intent, form), context);
  const entries: PreviewEntry[] = [
    ...(subsets === undefined
      ? []
      : [
          {
            ref: destination?.ref ?? {
              ...base.ref,
              kind: 'DestinationRule',
              namespace: context.namespace,
              name: context.name,
            },
            yaml: subsets,
            ...(destination ? { etag: destination.etag } : {}),
          },
        ]),
    { ref: base.ref, yaml, ...(base.etag ? { etag: base.etag } : {}) },
  ];

  /** The text was edited: the form reads from it what it can. */
  const follow = (text: string, etag?: string) => {
    const at = written?.where ?? form.where;
    const readForms = readable(text) ? readForm(text, at, context) : form;
    // From now on the text is of this version of the object: another one is a conflict.
    save({ etag: etag ?? base.etag, source: text, form: readForms });
  };
  return {
    base,
    form,
    yaml: draft.source !== undefined && !sound ? source : yaml,
    entries,
    /** The text was edited by hand, or merged: it counts, whether the form can say the same or not. */
    byHand: draft.source !== undefined,
    asked,
    rules,
    /** Which requests the rule takes that is written. */
    conditions:
      (written && readRules(written.yaml)?.[written.where]?.conditions) ?? rules[Number(form.where)]?.conditions ?? [],
    ask: () => setAsked(true),
    change: (next: Form) => save({ ...draft, form: next }),
    choose: (where: Form['where']) => {
      const next = readForm(source, where, context);
      save({
        ...draft,
        form: where === 'new' ? { ...next, shares: form.shares, by: intent === 'route' ? 'user' : 'all' } : next,
      });
    },
    edit: (text: string) => follow(text),
    merge: (conflict: MergeConflict, text: string) => {
      const [entry] = withMerged(entries, conflict, text).filter((e) => refKey(e.ref) === refKey(base.ref));
      if (entry?.yaml !== undefined) {
        follow(entry.yaml, entry.etag);
      }
    },
    forget,
  };
}
