import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from '@tanstack/react-router';
import { type RenderResult, render } from '@testing-library/react';
import type { ComponentType } from 'react';
import { vi } from 'vitest';
import type { Session } from '../api/generated/types.gen';
import { sessionStore } from '../api/session-store';
import { parseSearch, stringifySearch } from '../lib/search';

/** Answers of the API: by "GET /api/v1/services" or, with a search, "GET /api/v1/x?y=1". */
export type Answers = Record<string, unknown | ((body: unknown) => unknown)>;

/** An answer that is an error. */
export class Refusal {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string>;
  constructor(status: number, body: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Makes fetch answer from a table; what is not in it is 404. Returns what was asked. */
export function fakeApi(answers: Answers): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(new URL(String(input), location.origin), init);
    const url = new URL(request.url);
    const call = `${request.method} ${url.pathname}`;
    asked.push(`${call}${url.search}`);
    const found = answers[`${call}${url.search}`] ?? answers[call];
    const text = await request.text();
    const answer = typeof found === 'function' ? found(text ? JSON.parse(text) : undefined) : found;
    if (answer instanceof Refusal) {
      return Response.json(answer.body, { status: answer.status, headers: answer.headers });
    }
    if (answer === undefined) {
      return Response.json({ title: 'not found', detail: call }, { status: 404 });
    }
    return answer === null ? new Response(null, { status: 204 }) : Response.json(answer);
  });
  return asked;
}

const rights = {
  viewer: ['view'],
  operator: ['view', 'editTraffic'],
  admin: ['view', 'editTraffic', 'admin'],
  owner: ['view', 'editTraffic', 'admin', 'owner'],
};

/** Signs somebody in, without a server. */
export function signedIn(role: Session['user']['role'] = 'operator', name = 'lena'): Session {
  const session: Session = {
    user: { name, role },
    capabilities: rights[role],
    idleExpires: '2099-01-01T00:00:00Z',
    absoluteExpires: '2099-01-01T00:00:00Z',
    version: 'test',
    mesh: 'demo',
  };
  sessionStore.getState().begin(session);
  return session;
}

interface PageOptions {
  /** The route's path, as in app/router.tsx. */
  path: string;
  /** Where the test is: the path with its values, and a search. */
  at?: string;
}

/** Renders a page at its route, with a query client and a router of its own. */
export function renderPage(
  Page: ComponentType,
  { path, at = path }: PageOptions,
): RenderResult & { address: () => string } {
  const root = createRootRoute({ component: Outlet });
  const tree = root.addChildren([
    createRoute({ getParentRoute: () => root, path, component: () => <Page /> }),
    // Links lead somewhere.
    createRoute({ getParentRoute: () => root, path: '$', component: () => null }),
  ]);
  const history = createMemoryHistory({ initialEntries: [at] });
  const router = createRouter({ routeTree: tree, history, parseSearch, stringifySearch });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: 0 } } });
  const result = render(
    <QueryClientProvider client={client}>
      {/* biome-ignore lint/suspicious/noExplicitAny: the test's router has other routes than the app's */}
      <RouterProvider router={router as any} />
    </QueryClientProvider>,
  );
  return { ...result, address: () => history.location.href };
}
