import { useCallback } from 'react';
import { useStore } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { HistoryChange } from '../../api/generated/types.gen';
import { sessionStore } from '../../api/session-store';
import type { Shares } from './split-math';

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** Percent by version. */
export type Weights = Readonly<Record<string, number>>;

/** Shares that somebody asks for, and that are not written. */
export interface SplitDraft {
  /** What the rule said when the draft was begun, or when it was last held against the rule. */
  readonly base: Shares;
  readonly shares: Shares;
  /** Its preview was closed. */
  readonly closed: boolean;
  /** What the rule said when the draft was begun, where others have changed it since. */
  readonly opened?: Shares;
}

/** The last split that was written from here. */
export interface SplitWritten {
  /** The candidate that it was written for; one that was still to be made has another name since. */
  readonly candidate: string;
  readonly shares: Weights;
  /** What stood before. */
  readonly before: Weights;
  /** What the mesh may still say until it tells of this one. */
  readonly passed: readonly Weights[];
  /** The mesh does not tell of it yet. */
  readonly waiting: boolean;
  /** Undefined where it took another change back. */
  readonly change: HistoryChange | undefined;
}

/** What a person chose to look at of a service. */
export interface SplitChoice {
  /** The candidate. */
  readonly rule?: string | undefined;
  /** The version that others are held against, by candidate. */
  readonly stable: Readonly<Record<string, string>>;
}

type Next<T> = T | undefined | ((old: T | undefined) => T | undefined);
type Kept<T> = StoreApi<{ all: ReadonlyMap<string, T> }>;

/** What stands outside of what draws it: card, panel and page go on with the same, as long as the tab lasts. */
function keep<T>(): Kept<T> {
  const store: Kept<T> = createStore(() => ({ all: new Map() }));
  // Who signs in next did not ask for it. The end of a session keeps the page, and with it this.
  sessionStore.subscribe(({ status }) => {
    if (status === 'signedOut') {
      store.setState({ all: new Map() });
    }
  });
  return store;
}

function useKept<T>(store: Kept<T>, key: string): [T | undefined, (next: Next<T>) => void] {
  const value = useStore(store, ({ all }) => all.get(key));
  const set = useCallback(
    (next: Next<T>) => {
      const all = new Map(store.getState().all);
      const to = typeof next === 'function' ? (next as (old: T | undefined) => T | undefined)(all.get(key)) : next;
      if (to) {
        all.set(key, to);
      } else {
        all.delete(key);
      }
      store.setState({ all });
    },
    [store, key],
  );
  return [value, set];
}

const drafts = keep<SplitDraft>();
const written = keep<SplitWritten>();
const choices = keep<SplitChoice>();

const nameOf = ({ namespace, name }: ServiceName) => `${namespace}/${name}`;

/**
 * The draft of one rule of a service. Shares are by version: where other versions are, the draft
 * is another one.
 */
export const useSplitDraft = (service: ServiceName, candidate: string, versions: readonly string[]) =>
  useKept(drafts, JSON.stringify([nameOf(service), candidate, versions]));

/** What was last written of a service's split. */
export const useSplitWritten = (service: ServiceName) => useKept(written, nameOf(service));

/** What was chosen of a service's split. */
export const useSplitChoice = (service: ServiceName) => useKept(choices, nameOf(service));
