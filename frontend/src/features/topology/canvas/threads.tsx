import { memo } from 'react';
import type { GraphLiveEdge } from '../../../api/generated/types.gen';
import { useEdges, useGraphText } from '../graph-store';
import type { DrawnThread } from '../model/drawing';
import { threadFigures } from '../model/figures';
import { thickness } from '../model/geometry';

interface ThreadProps {
  drawn: DrawnThread;
  dim: boolean;
}

/** The width that TCP is drawn with, of which no requests are known. */
const tcpWidth = 2.2;

/** A thread with its halo, its tip, and a wide invisible line to point at. */
export const Thread = memo(function Thread({ drawn, dim }: ThreadProps) {
  const edges = useEdges(drawn.thread.edges);
  const { rate, bytes, state } = threadFigures(edges);
  const idle = state === 'idle' || (rate === 0 && !bytes);
  const width = bytes !== undefined ? tcpWidth : idle ? 1.25 : thickness(rate);
  const failing = state === 'failing';
  return (
    <g className={`tp-thread t-${idle && state !== 'failing' ? 'idle' : state}${dim ? ' is-dim' : ''}`}>
      <path d={drawn.path} className="tp-case" style={{ strokeWidth: width + 4 }} />
      <path d={drawn.path} className="tp-line" style={{ strokeWidth: failing ? width + 1.8 : width }} />
      {failing && <path d={drawn.path} className="tp-core" style={{ strokeWidth: Math.max(1.2, width - 2.2) }} />}
      <path d={drawn.tip} className="tp-tip" />
      <path d={drawn.path} className="tp-hit" data-thread={drawn.thread.id} />
    </g>
  );
});

/** Widths far away: which of three a thread has. */
const farWidths = [1.5, 3, 5] as const;
const farWidth = (rps: number): 0 | 1 | 2 => (rps < 5 ? 0 : rps < 100 ? 1 : 2);

interface FarThreadsProps {
  threads: readonly DrawnThread[];
  /** Those that can be pointed at. */
  loud: readonly DrawnThread[];
  /** The thread under the pointer, or the selected one. */
  chosen: string | undefined;
}

/** Far away, all threads of one state and width are one path; only what is wrong can be pointed at. */
export const FarThreads = memo(function FarThreads({ threads, loud, chosen }: FarThreadsProps) {
  // One letter for each thread: its width. Only another letter draws again.
  const widths = useGraphText((store) =>
    threads
      .map(({ thread }) => {
        let rate = 0;
        for (const id of thread.edges) {
          const edge = store.edge(id);
          rate += edge && isRequests(edge) ? edge.rate : 0;
        }
        return farWidth(rate);
      })
      .join(''),
  );
  const paths = new Map<string, { state: string; width: number; path: string[] }>();
  threads.forEach((drawn, i) => {
    const width = farWidths[Number(widths[i])] ?? farWidths[0];
    const key = `${drawn.state} ${width}`;
    const one = paths.get(key) ?? { state: drawn.state, width, path: [] };
    one.path.push(drawn.path);
    paths.set(key, one);
  });
  const rank = (state: string) => (state === 'failing' ? 2 : state === 'degraded' ? 1 : 0);
  const drawn = [...paths]
    .sort(([, a], [, b]) => rank(a.state) - rank(b.state))
    .map(([key, { state, width, path }]) => (
      <g key={key} className={`tp-thread t-${state}`}>
        <path d={path.join('')} className="tp-line" style={{ strokeWidth: width }} />
      </g>
    ));
  return (
    <>
      {drawn}
      {loud.map(({ thread, path }) => (
        <path
          key={thread.id}
          d={path}
          className={`tp-hit${thread.id === chosen ? ' is-chosen' : ''}`}
          data-thread={thread.id}
        />
      ))}
    </>
  );
});

const isRequests = (edge: GraphLiveEdge) => edge.protocol !== 'tcp';
