import type { Checked, Ref, Standing } from '../../api/generated/types.gen';
import { isUnreadable } from '../../lib/found';
import { isNamed } from '../../lib/kinds';

/** What the editor says about its text, and whether it can be saved. */
export interface TextStanding {
  readonly errors: number;
  readonly warnings: number;
  /** Why it cannot be previewed; undefined when it can. */
  readonly stop?: 'unchanged' | 'checking' | 'errors' | 'several' | 'other' | 'exists' | 'none';
  /** Errors that do not keep the object from being read may be forced. */
  readonly forceable: boolean;
  /** The object that the text is. */
  readonly ref?: Ref;
}

interface Asked {
  readonly checking: boolean;
  readonly edited: boolean;
  readonly findings: readonly Pick<Checked, 'severity' | 'code'>[];
  readonly documents: readonly Standing[];
  /** The object that is edited; undefined for a new one. */
  readonly at?: { kind: string; namespace: string; name: string } | undefined;
}

export function standingOf({ checking, edited, findings, documents, at }: Asked): TextStanding {
  const errors = findings.filter((f) => f.severity === 'error');
  const warnings = findings.filter((f) => f.severity === 'warning').length;
  const [document, ...more] = documents;
  const out = {
    errors: errors.length,
    warnings,
    forceable: errors.length > 0 && !errors.some((f) => isUnreadable(f.code)) && !checking,
    ...(document ? { ref: document.ref } : {}),
  };
  const stop = !edited
    ? 'unchanged'
    : checking
      ? 'checking'
      : more.length > 0
        ? 'several'
        : document && at && !isNamed(document.ref, at)
          ? 'other'
          : document && !at && document.state !== 'new'
            ? 'exists'
            : errors.length > 0
              ? 'errors'
              : document
                ? undefined
                : 'none';
  return { ...out, ...(stop ? { stop } : {}) };
}
