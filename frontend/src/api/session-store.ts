import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { Session } from './generated/types.gen';

export type Capability = 'view' | 'editTraffic' | 'admin';

interface SessionState {
  /**
   * unknown: not asked yet · signedOut: the sign-in page · signedIn · ended: somebody works
   * here, but the server no longer knows the session; the page stays, and asks to sign in.
   */
  status: 'unknown' | 'signedOut' | 'signedIn' | 'ended';
  session: Session | null;
  /** When the session was found to have ended. */
  endedAt: number | null;
  begin(session: Session): void;
  /** The server refused the session. */
  ended(): void;
  /** The person signed out, or was never signed in. */
  leave(): void;
}

export const sessionStore = createStore<SessionState>()((set, get) => ({
  status: 'unknown',
  session: null,
  endedAt: null,
  begin: (session) => set({ status: 'signedIn', session, endedAt: null }),
  ended: () => {
    if (get().status === 'signedIn') {
      set({ status: 'ended', endedAt: Date.now() });
    }
  },
  leave: () => set({ status: 'signedOut', session: null, endedAt: null }),
}));

export const useSessionStatus = () => useStore(sessionStore, (s) => s.status);
export const useSession = () => useStore(sessionStore, (s) => s.session);
export const useEndedAt = () => useStore(sessionStore, (s) => s.endedAt);

/** Whether the person may do it. What may not be done is not shown; the server refuses it too. */
export const useCan = (capability: Capability): boolean =>
  useStore(sessionStore, (s) => s.session?.capabilities?.includes(capability) ?? false);
