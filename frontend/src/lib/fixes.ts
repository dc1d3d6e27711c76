import { type Found, fixWords, type TextSplice } from './found';
import { fullName, type ObjectName } from './kinds';

/** A fix that lies in another object than the one at fault. */
export interface OtherFix {
  readonly does: 'edit' | 'addSubsets' | 'makeRule';
  readonly params?: Readonly<Record<string, string>>;
  readonly ref: ObjectName;
  readonly edits?: Found['fix'];
  /** Where it stands among the texts. */
  readonly file?: string;
  readonly splices?: readonly TextSplice[] | null;
}

/** The key of what a fix does, and its values. */
export function otherFixWords(fix: OtherFix): { key: string; [value: string]: string } {
  if (fix.does === 'edit') {
    return { ...fixWords({ fix: fix.edits ?? null, splices: fix.splices ?? null }) };
  }
  return { key: fix.does, subsets: fix.params?.subsets ?? '', name: fullName(fix.ref) };
}

/** Whether two fixes do the same to the same object. */
export const isSameFix = (a: OtherFix, b: OtherFix): boolean =>
  a.does === b.does && fullName(a.ref) === fullName(b.ref) && (a.ref.group ?? '') === (b.ref.group ?? '');

interface Fixable {
  readonly file?: string;
  readonly splices: readonly TextSplice[] | null;
  readonly elsewhere?: readonly OtherFix[] | null;
}

/** What mends a finding in one of the texts: its own fix, else the only one in another object that stands there. */
export function splicesIn(file: string, finding: Fixable): readonly TextSplice[] {
  if (finding.splices?.length) {
    return finding.file === file ? finding.splices : [];
  }
  const [other, ...more] = finding.elsewhere ?? [];
  return other && more.length === 0 && other.file === file ? (other.splices ?? []) : [];
}
