import { useRef, useState } from 'react';
import type { CheckState } from '../../api/check';
import { askFixes } from '../../api/fixes';
import type { Checked, Fix, PreviewEntry } from '../../api/generated/types.gen';
import { asProblem, type Problem } from '../../api/problem';
import { isSameFix } from '../../lib/fixes';
import { applySplices } from '../../ui/code/code-note';

interface MendTo {
  /** The texts, and what was found in them. */
  check: CheckState;
  /** A text is to be another one. */
  onText: (file: string, text: string) => void;
  /** An object that stands in none of the texts is to be another one, or to be made. */
  onEntry: (entry: PreviewEntry) => void;
}

export interface Mending {
  /** Makes a fix that does not lie in the object at fault; without one, looks for any. */
  readonly mend: (finding: Checked, fix?: Fix) => void;
  readonly asking: boolean;
  /** The finding for which nothing could be told. */
  readonly nothing: Checked | undefined;
  readonly problem: Problem | undefined;
}

/** Makes fixes that the texts alone do not hold: those in other objects, and those that nobody looked for yet. */
export function useMend({ check, onText, onEntry }: MendTo): Mending {
  const [state, setState] = useState<Omit<Mending, 'mend'>>({ asking: false, nothing: undefined, problem: undefined });
  const latest = useRef({ check, onText, onEntry });
  latest.current = { check, onText, onEntry };
  const make = (fix: Fix | undefined, finding: Checked, of: CheckState['of']) => {
    const file = of.find((f) => f.file === fix?.file);
    if (file && fix?.splices?.length) {
      latest.current.onText(file.file, applySplices(file.text, fix.splices));
    } else if (fix?.entry) {
      latest.current.onEntry(fix.entry);
    }
    setState({ asking: false, nothing: fix ? undefined : finding, problem: undefined });
  };
  const mend = (finding: Checked, wanted?: Fix) => {
    const { of, checking, error, alone } = latest.current.check;
    if (wanted?.file) {
      // What was found is of older texts until they are checked: it could undo what was done since.
      if (!checking && !error) {
        make(wanted, finding, of);
      }
      return;
    }
    setState({ asking: true, nothing: undefined, problem: undefined });
    askFixes({
      manifests: [...of],
      live: !alone,
      code: finding.code,
      ref: finding.ref,
      ...(finding.path ? { path: finding.path } : {}),
    })
      .then((fixes) => {
        if (latest.current.check.of === of && !latest.current.check.checking) {
          make(wanted ? fixes.find((f) => isSameFix(f, wanted)) : fixes[0], finding, of);
        } else {
          // The text is another one by now: it could hit another place.
          setState({ asking: false, nothing: undefined, problem: undefined });
        }
      })
      .catch((error: unknown) => setState({ asking: false, nothing: undefined, problem: asProblem(error) }));
  };
  return { ...state, mend };
}
