import { drafts } from '../../lib/drafts';
import { addressOf, type ObjectName } from '../../lib/kinds';

/** The key under which the edited text of an object is kept. */
export function draftName(ref: ObjectName): string {
  const { kind, namespace, name } = addressOf(ref);
  return `rule ${kind}/${namespace}/${name}`;
}

/** The key for the text of a new object of a kind. */
export const newDraftName = (kind: string): string => `new rule ${kind}`;

/** The names of all objects whose text was edited and not saved. */
export const unsaved = (): ReadonlySet<string> => new Set(drafts().keys());
