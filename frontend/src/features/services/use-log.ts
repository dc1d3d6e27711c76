import { useEffect, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem';
import { path, send } from '../../api/request';
import { add, emptyLog, end, type Log } from './model/log-lines';

export interface LogSource {
  readonly namespace: string;
  readonly pod: string;
  /** '' is the application, "proxy" the proxy. */
  readonly container: string;
  readonly follow: boolean;
  /** Another number reads again. */
  readonly again: number;
}

export interface Reading {
  readonly log: Log;
  readonly state: 'reading' | 'ended';
  readonly problem?: Problem;
}

const begin: Reading = { log: emptyLog, state: 'reading' };

/** How often what came is shown: a busy log writes thousands of lines in a second. */
const showEvery = 250;

/** Reads the log of a container, and goes on with what is added. */
export function useLog({ namespace, pod, container, follow, again }: LogSource): Reading {
  const [reading, setReading] = useState(begin);
  // biome-ignore lint/correctness/useExhaustiveDependencies: again asks for another reading
  useEffect(() => {
    const stop = new AbortController();
    let log = emptyLog;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      setReading({ log, state: 'reading' });
    };
    const read = async () => {
      const query = new URLSearchParams({ tail: '1000', ...(container ? { container } : {}) });
      if (follow) {
        query.set('follow', 'true');
      }
      const response = await send(`${path`/api/v1/pods/${namespace}/${pod}/logs`}?${query}`, {
        signal: stop.signal,
        headers: { Accept: 'text/plain' },
      });
      const reader = response.body?.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        log = add(log, decoder.decode(value, { stream: !done }));
        if (done) {
          return;
        }
        timer ??= setTimeout(show, showEvery);
      }
    };
    setReading(begin);
    read()
      .then(() => setReading({ log: end(log), state: 'ended' }))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) {
          setReading({ log: end(log), state: 'ended', problem: asProblem(error) });
        }
      })
      .finally(() => clearTimeout(timer));
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [namespace, pod, container, follow, again]);
  return reading;
}
