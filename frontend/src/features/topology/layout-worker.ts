import ELK, { type ELK as Elk } from 'elkjs/lib/elk-api';
// Unmodified, as a file of its own: it runs beside the page, never in it.
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import type { Elk as LayOut } from './model/layout';

let elk: Elk | undefined;

/** Lays a graph out in a worker, which is started the first time. */
export const layOutInWorker: LayOut = (graph) => {
  elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) });
  return elk.layout(graph);
};
