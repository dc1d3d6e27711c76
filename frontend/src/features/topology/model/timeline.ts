import type { GraphTransition, HistoryChange, MetricsBar } from '../../../api/generated/types.gen';

export interface Bar {
  /** Where it begins and how wide it is, in parts of the whole. */
  from: number;
  width: number;
  /** Its height in parts of the highest possible; so much that a little error is seen. */
  height: number;
  wrong: boolean;
  bar: MetricsBar;
}

/** From this error share on a bar is red, as a service would be degraded. */
const wrongFrom = 0.01;
/** A bar reaches the top at this error share. */
const full = 0.1;

export interface Hour {
  start: number;
  end: number;
  bars: Bar[];
}

/** The bars of the timeline with their places from 0 to 1. */
export function hourOf(bars: readonly MetricsBar[], step: number): Hour {
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) {
    return { start: 0, end: 0, bars: [] };
  }
  const start = Date.parse(first.at) - step * 1000;
  const end = Date.parse(last.at);
  const length = end - start;
  return {
    start,
    end,
    bars: bars.map((bar) => ({
      from: (Date.parse(bar.at) - step * 1000 - start) / length,
      width: (step * 1000) / length,
      height: bar.rps > 0 ? Math.max(0.08, Math.min(1, bar.errorShare / full)) : 0.04,
      wrong: bar.errorShare >= wrongFrom,
      bar,
    })),
  };
}

export type Mark =
  | { kind: 'change'; at: number; place: number; change: HistoryChange; named: boolean; left: boolean }
  | { kind: 'incident'; at: number; place: number; incident: GraphTransition; named: boolean; left: boolean };

/**
 * Changes and incidents of the hour. Only those have words that do not stand in each other's way;
 * `roomOf` says how much room the words of one take, in parts of the whole.
 */
export function marksOf(
  hour: Hour,
  changes: readonly HistoryChange[],
  incidents: readonly GraphTransition[],
  roomOf: (mark: Mark) => number,
): Mark[] {
  const place = (at: number) => (at - hour.start) / (hour.end - hour.start);
  const marks = [
    ...incidents.map((incident) => ({ kind: 'incident' as const, at: Date.parse(incident.at), incident })),
    ...changes.map((change) => ({ kind: 'change' as const, at: Date.parse(change.at), change })),
  ]
    .map((mark) => ({ ...mark, place: place(mark.at) }))
    .filter((mark) => mark.place >= 0 && mark.place <= 1)
    .sort((a, b) => a.at - b.at);
  const named: Mark[] = [];
  marks.forEach((mark, i) => {
    const next = marks[i + 1]?.place ?? 1.02;
    const before = named.at(-1);
    // How far what stands before it reaches, with its words.
    const taken = before ? before.place + (before.named && !before.left ? roomOf(before) : 0.012) : -0.1;
    const room = roomOf(mark as Mark);
    const right = next - mark.place >= room;
    const left = !right && mark.place - taken >= room;
    named.push({ ...mark, named: right || left, left } as Mark);
  });
  return named;
}
