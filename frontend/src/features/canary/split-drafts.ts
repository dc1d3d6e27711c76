import { useCallback } from 'react';
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { sessionStore } from '../../api/session-store';
import type { Shares } from './split-math';

/** Shares that somebody asks for, and that are not in the mesh yet. */
export interface SplitDraft {
  /** What the rule said when the draft was begun. */
  readonly base: Shares;
  readonly shares: Shares;
  /** Its preview was closed. */
  readonly closed: boolean;
  /** It is written; it stands until the mesh says so, lest what was shows once more. */
  readonly applied?: boolean;
}

type Next = SplitDraft | undefined | ((old: SplitDraft | undefined) => SplitDraft | undefined);

const store = createStore<{ drafts: ReadonlyMap<string, SplitDraft> }>()(() => ({ drafts: new Map() }));

// Who signs in next did not ask for it. The end of a session keeps the page, and with it the drafts.
sessionStore.subscribe(({ status }) => {
  if (status === 'signedOut') {
    store.setState({ drafts: new Map() });
  }
});

/**
 * The draft of one rule of a service. It stands outside of what draws it, so that card, panel and
 * page go on with the same one, and none of them loses it by closing; it lasts as long as the tab.
 * Shares are by version: where other versions are, the draft is another one.
 */
export function useSplitDraft(
  service: { namespace: string; name: string },
  candidate: string,
  versions: readonly string[],
): [SplitDraft | undefined, (next: Next) => void] {
  const key = JSON.stringify([service.namespace, service.name, candidate, versions]);
  const draft = useStore(store, ({ drafts }) => drafts.get(key));
  const set = useCallback(
    (next: Next) => {
      const drafts = new Map(store.getState().drafts);
      const to = typeof next === 'function' ? next(drafts.get(key)) : next;
      if (to) {
        drafts.set(key, to);
      } else {
        drafts.delete(key);
      }
      store.setState({ drafts });
    },
    [key],
  );
  return [draft, set];
}
