import type { HistoryChange, HistoryEntry, PreviewEntry, Ref } from '../../api/generated/types.gen';
import { fullName } from '../../lib/kinds';

/** What of a change an undo writes: without the Secrets, which stay as they are. */
function takenBack(change: HistoryChange): HistoryEntry[] {
  const stays = new Set((change.stays ?? []).map(fullName));
  return (change.entries ?? []).filter((entry) => !stays.has(fullName(entry.ref)));
}

/** The objects that an undo of a change writes. */
export const undoRefs = (change: HistoryChange): Ref[] => takenBack(change).map((entry) => entry.ref);

/** The entries that take a change back: the former texts, on top of what the change wrote. */
export function undoEntries(change: HistoryChange): PreviewEntry[] {
  return takenBack(change)
    .reverse()
    .map((entry): PreviewEntry => {
      const etag = entry.op === 'delete' ? '' : (entry.afterEtag ?? '*');
      return entry.op === 'create'
        ? { ref: entry.ref, etag, delete: true }
        : { ref: entry.ref, etag, yaml: entry.before ?? '' };
    });
}
