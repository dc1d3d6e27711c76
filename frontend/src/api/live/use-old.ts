import type { GraphMeta } from '../generated/types.gen';
import { useConnection } from './use-live';

/** When the figures of a graph are from, in milliseconds, while the server cannot read newer ones. */
export function figuresFrom(meta: GraphMeta | undefined): number | undefined {
  if (!meta?.staleSince) {
    return undefined;
  }
  const at = Date.parse(meta.at);
  // Of no time at all where none could ever be read.
  return at > 0 ? at : Date.parse(meta.staleSince);
}

/** The same, also while the server itself is not heard. */
export function useOld(from: number | undefined): number | undefined {
  const connection = useConnection();
  return from ?? (connection.state === 'stale' ? connection.since : undefined);
}
