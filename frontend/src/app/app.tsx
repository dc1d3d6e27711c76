import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { liveStore } from '../api/live/use-live';
import { newQueryClient } from '../api/query';
import { keepSession } from '../api/session';
import { sessionStore } from '../api/session-store';
import { newRouter } from './router';

/** The console of who is signed in. */
export function App() {
  const [client] = useState(newQueryClient);
  const [router] = useState(newRouter);
  useEffect(() => {
    const stopKeeping = keepSession();
    const stopFollowing = sessionStore.subscribe((now, before) => {
      if (now.status === 'signedIn' && before.status === 'ended') {
        // The socket was closed with the session, and what failed meanwhile is asked again.
        liveStore.retry();
        void client.invalidateQueries();
      }
    });
    return () => {
      stopKeeping();
      stopFollowing();
      liveStore.stop();
    };
  }, [client]);
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
