import type { HistoryChange } from '../../api/generated/types.gen';
import { fullName } from '../../lib/kinds';

/** What the address keeps of the list of changes. */
export interface ChangesFilter {
  /** Words, each of which must be found. */
  readonly q?: string;
  /** Where it was made from. */
  readonly via?: string;
}

export const origins = ['console', 'cli', 'file', 'up', 'token'] as const;
export type Origin = (typeof origins)[number];

/** Whether all words of q stand in what is said of a change, in who made it or in its objects. */
export function isFound(change: HistoryChange, said: string, q: string | undefined): boolean {
  const objects = (change.entries ?? []).map(({ ref }) => fullName(ref));
  const text = [change.id, said, change.actor, change.note ?? '', ...objects, ...(change.services ?? [])]
    .join(' ')
    .toLowerCase();
  return (q ?? '')
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
