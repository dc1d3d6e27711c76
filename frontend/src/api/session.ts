import type { Session } from './generated/types.gen';
import { Problem, problemOf } from './problem';
import { request } from './request';
import { sessionStore } from './session-store';

const address = '/api/v1/session';

/** Asks who is signed in. */
export async function loadSession(): Promise<void> {
  const response = await fetch(address, { credentials: 'same-origin', headers: { Accept: 'application/json' } });
  if (response.ok) {
    sessionStore.getState().begin((await response.json()) as Session);
  } else if (response.status === 401) {
    sessionStore.getState().leave();
  } else {
    throw await problemOf(response);
  }
}

/** Signs in. Throws a Problem: 401 when name and password do not match, 429 when tried too often. */
export async function signIn(username: string, password: string): Promise<void> {
  const before = sessionStore.getState();
  const session = await request<Session>(address, { method: 'POST', body: { username, password } });
  if (before.status === 'ended' && before.session?.user.name !== session.user.name) {
    // What is on the page was loaded with another person's rights.
    location.reload();
    return;
  }
  before.begin(session);
}

export async function signOut(): Promise<void> {
  try {
    await request<void>(address, { method: 'DELETE' });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) {
      throw error;
    }
  }
  sessionStore.getState().leave();
}

/** How often a page that is looked at renews its session. */
const renewEvery = 4 * 60_000;

/**
 * Keeps the session alive while the page is visible. A hidden page lets it run out. Returns
 * how to stop.
 */
export function keepSession(page: Document = document): () => void {
  let last = Date.now();
  const renew = () => {
    if (
      page.visibilityState !== 'visible' ||
      sessionStore.getState().status !== 'signedIn' ||
      Date.now() - last < renewEvery
    ) {
      return;
    }
    last = Date.now();
    request<Session>(`${address}/renew`, { method: 'POST' }).then(
      (session) => sessionStore.getState().begin(session),
      () => {}, // 401 is known to the store by now; without an answer the next turn tries again
    );
  };
  const timer = setInterval(renew, 30_000);
  page.addEventListener('visibilitychange', renew);
  return () => {
    clearInterval(timer);
    page.removeEventListener('visibilitychange', renew);
  };
}
