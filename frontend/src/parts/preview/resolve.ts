import type { MergeConflict, MergeHunk, PreviewEntry, Ref } from '../../api/generated/types.gen';

/** What a person takes where both sides changed the same lines. */
export type Side = 'mine' | 'theirs' | 'both';

export const refKey = (ref: Ref): string => `${ref.kind}/${ref.namespace ?? ''}/${ref.name}`;

/** The text of a conflict once every block has its side; undefined while one is open. */
export function resolved(conflict: MergeConflict, sides: readonly (Side | undefined)[]): string | undefined {
  if (conflict.merged !== undefined) {
    return conflict.merged;
  }
  let text = '';
  let block = 0;
  for (const hunk of conflict.hunks ?? []) {
    const part = hunk.kind === 'conflict' ? chosen(hunk, sides[block++]) : merged(hunk);
    if (part === undefined) {
      return undefined;
    }
    text += part;
  }
  return text;
}

const merged = (hunk: MergeHunk): string => (hunk.kind === 'theirs' ? hunk.theirs : hunk.mine);

function chosen(hunk: MergeHunk, side: Side | undefined): string | undefined {
  switch (side) {
    case 'mine':
      return hunk.mine;
    case 'theirs':
      return hunk.theirs;
    case 'both':
      return hunk.theirs + hunk.mine;
    default:
      return undefined;
  }
}

/**
 * The entries with one object replaced by its merged text, on top of the version that the
 * merge was made with. An empty text is the side that deletes the object.
 */
export function withMerged(entries: readonly PreviewEntry[], conflict: MergeConflict, text: string): PreviewEntry[] {
  const key = refKey(conflict.ref);
  return entries.flatMap((entry): PreviewEntry[] => {
    if (refKey(entry.ref) !== key) {
      return [entry];
    }
    const etag = conflict.etag ?? '';
    if (text !== '') {
      return [{ ref: entry.ref, etag, yaml: text }];
    }
    // It is gone already and shall be: nothing to write.
    return conflict.theirs === '' ? [] : [{ ref: entry.ref, etag, delete: true }];
  });
}
