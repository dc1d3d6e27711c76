import { useEffect, useState } from 'react';

/** The time, renewed so that ages stay right; every ten seconds unless told otherwise. */
export function useNow(every = 10_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
