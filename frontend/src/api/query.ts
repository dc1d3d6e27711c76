import { QueryClient } from '@tanstack/react-query';
import { Problem } from './problem';
import { bumpRevision } from './revision';

/** The cache of what the server was asked for. */
export function newQueryClient(): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) =>
          failures < 2 && (!(error instanceof Problem) || error.status === 0 || error.status >= 502),
        refetchOnWindowFocus: false,
      },
      mutations: { retry: false },
    },
  });
  client.getQueryCache().subscribe((event) => {
    if (event.type === 'updated' && (event.action.type === 'success' || event.action.type === 'error')) {
      bumpRevision();
    }
  });
  return client;
}
