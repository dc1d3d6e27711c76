import type { HistoryChange, PreviewEntry } from '../../api/generated/types.gen';

/** The entries that take a change back: the former texts, on top of what the change wrote. */
export function undoEntries(change: HistoryChange): PreviewEntry[] {
  return [...(change.entries ?? [])].reverse().map((entry): PreviewEntry => {
    const etag = entry.op === 'delete' ? '' : (entry.afterEtag ?? '*');
    return entry.op === 'create'
      ? { ref: entry.ref, etag, delete: true }
      : { ref: entry.ref, etag, yaml: entry.before ?? '' };
  });
}
