import type { DeliverySummary, LiveDelivery } from '../../api/generated/types.gen';

const rank: Record<string, number> = { rejected: 0, pending: 1, acknowledged: 2 };

/** Rejected first, then those not heard of with the busiest first, then the latest answers. */
export function byUrgency(a: LiveDelivery, b: LiveDelivery): number {
  return (
    (rank[a.state] ?? 3) - (rank[b.state] ?? 3) ||
    (a.state === 'acknowledged' ? Date.parse(b.since) - Date.parse(a.since) : b.rps - a.rps) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** The same rows in the order they had, new ones at the end: nothing moves under the pointer. */
export function inOrder(rows: readonly LiveDelivery[], order: readonly string[]): LiveDelivery[] {
  const place = new Map(order.map((uid, i) => [uid, i]));
  return [...rows].sort((a, b) => (place.get(a.uid) ?? order.length) - (place.get(b.uid) ?? order.length));
}

/** How far a step has come; none of it where there is nothing to come. */
export type EyeState = 'done' | 'now' | 'todo' | 'bad' | 'none';

export interface Progress {
  readonly written: EyeState;
  readonly sent: EyeState;
  readonly acknowledged: EyeState;
  readonly measured: EyeState;
}

/** How far a change has come, as the four eyes of a thread. */
export function progress(summary: DeliverySummary | undefined, settled: boolean): Progress {
  if (!summary) {
    return { written: 'done', sent: 'todo', acknowledged: 'todo', measured: 'todo' };
  }
  const all = summary.known && summary.acknowledged === summary.concerned;
  const sent = summary.sent !== null || (summary.known && summary.concerned === 0);
  return {
    written: 'done',
    sent: sent ? 'done' : 'now',
    acknowledged: summary.rejected > 0 ? 'bad' : all ? 'done' : sent ? 'now' : 'todo',
    measured: settled && all ? 'done' : sent && summary.acknowledged > 0 ? 'now' : 'todo',
  };
}

/** Milliseconds between two instants; undefined when one is missing. */
export function between(from: string | null | undefined, to: string | null | undefined): number | undefined {
  return from && to ? Math.max(0, Date.parse(to) - Date.parse(from)) : undefined;
}
