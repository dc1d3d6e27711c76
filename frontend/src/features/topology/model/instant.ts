import type { GraphTransition, HistoryChange } from '../../../api/generated/types.gen';
import type { Hour } from './timeline';

/** What happened while one bar was measured. */
export interface Instant {
  from: number;
  to: number;
  errorShare: number;
  rps: number;
  changes: readonly HistoryChange[];
  incidents: readonly GraphTransition[];
}

/** The instant of a bar; nothing where there is no such bar. */
export function instantOf(
  hour: Hour,
  index: number,
  changes: readonly HistoryChange[],
  incidents: readonly GraphTransition[],
): Instant | undefined {
  const one = hour.bars[index];
  if (!one) {
    return undefined;
  }
  const to = Date.parse(one.bar.at);
  const from = to - one.width * (hour.end - hour.start);
  const within = (at: string) => Date.parse(at) > from && Date.parse(at) <= to;
  return {
    from,
    to,
    errorShare: one.bar.errorShare,
    rps: one.bar.rps,
    changes: changes.filter((c) => within(c.at)),
    incidents: incidents.filter((i) => within(i.at)),
  };
}

/** The bar at a place from 0 to 1. */
export const barAt = (hour: Hour, place: number): number =>
  Math.max(0, Math.min(hour.bars.length - 1, Math.floor(place * hour.bars.length)));

/** Where a key leads from a bar; undefined for keys that lead nowhere. */
export function barByKey(key: string, from: number, count: number): number | undefined {
  const to = {
    ArrowLeft: from - 1,
    ArrowDown: from - 1,
    ArrowRight: from + 1,
    ArrowUp: from + 1,
    PageDown: from - 10,
    PageUp: from + 10,
    Home: 0,
    End: count - 1,
  }[key];
  return to === undefined ? undefined : Math.max(0, Math.min(count - 1, to));
}
