import { useCallback, useState, useSyncExternalStore } from 'react';

/**
 * Text that a person types, kept in memory and in the tab's storage, so that neither the end
 * of a session nor a reload loses it. Returns the text, its setter, and how to forget it.
 */
export function useDraft(key: string, initial: string): [string, (text: string) => void, () => void] {
  const name = `heddle.draft.${key}`;
  const [state, setState] = useState(() => ({ name, text: read(name) }));
  // Another key is another text; what was stored for it is read at once.
  const current = state.name === name ? state : { name, text: read(name) };
  const set = useCallback(
    (text: string) => {
      write(name, text);
      setState({ name, text });
    },
    [name],
  );
  const forget = useCallback(() => {
    write(name, null);
    setState({ name, text: null });
  }, [name]);
  return [current.text ?? initial, set, forget];
}

const listeners = new Set<() => void>();
let names: ReadonlySet<string> | undefined;

/** The keys of all drafts of this tab, followed. */
export function useDraftNames(): ReadonlySet<string> {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => {
      names ??= new Set(drafts().keys());
      return names;
    },
  );
}

/** Every draft of this tab, by key: what is lost when the tab is closed. */
export function drafts(): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < sessionStorage.length; i++) {
    const name = sessionStorage.key(i);
    const text = name?.startsWith('heddle.draft.') ? sessionStorage.getItem(name) : null;
    if (name && text !== null) {
      found.set(name.slice('heddle.draft.'.length), text);
    }
  }
  return found;
}

function read(name: string): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null; // storage is forbidden: memory has to do
  }
}

function write(name: string, text: string | null): void {
  try {
    const changes = (sessionStorage.getItem(name) === null) !== (text === null);
    if (text === null) {
      sessionStorage.removeItem(name);
    } else {
      sessionStorage.setItem(name, text);
    }
    if (changes) {
      names = undefined;
      for (const changed of listeners) {
        changed();
      }
    }
  } catch {
    // Forbidden or full: memory has to do.
  }
}
