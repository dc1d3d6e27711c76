import { addressOf, type ObjectName } from '../../lib/kinds';

/** The key under which the edited text of an object is kept. */
export function draftName(ref: ObjectName): string {
  const { kind, namespace, name } = addressOf(ref);
  return `rule ${kind}/${namespace}/${name}`;
}

/** The key for the text of a new object of a kind. */
export const newDraftName = (kind: string): string => `new rule ${kind}`;
