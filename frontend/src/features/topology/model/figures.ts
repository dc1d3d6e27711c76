import type { GraphHealth, GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { type Health, healthRank } from '../../../ui/glyph';

/** What a card or a thread shows of several nodes or edges together. */
export interface Figures {
  /** Requests in a second. */
  rate: number;
  /** Share of one. */
  errorShare: number;
  /** Milliseconds: of the slowest part, since quantiles cannot be added up. */
  p95?: number | undefined;
  /** Bytes in a second, where nothing but TCP flows. */
  bytes?: number | undefined;
  state: Health;
}

export interface ThreadFigures extends Figures {
  /** Under mutual TLS: all of it, none, or a part; undefined when nobody could tell. */
  mutualTls?: 'all' | 'some' | 'none' | undefined;
  /** The worst edge's health: its reasons explain the thread. */
  health: GraphHealth;
  protocols: readonly string[];
}

/** The worst of several states; idle only if all are. */
export function worst(states: Iterable<Health>): Health {
  let found: Health | undefined;
  for (const state of states) {
    if (found === undefined || rank[state] < rank[found]) {
      found = state;
    }
  }
  return found ?? 'unknown';
}
/** Unlike in lists, one idle or unmeasured part does not make the whole so. */
const rank: Record<Health, number> = { failing: 0, degraded: 1, healthy: 2, unknown: 3, idle: 4 };

/** The sum of edges. */
export function threadFigures(edges: readonly GraphLiveEdge[]): ThreadFigures {
  const requests = edges.filter((e) => e.protocol !== 'tcp');
  const rate = sum(requests, (e) => e.rate);
  const slow = requests.flatMap((e) => e.p95 ?? []);
  const known = edges.flatMap((e) => e.mutualTLS ?? []);
  const bad = [...edges].sort((a, b) => rank[a.health.state] - rank[b.health.state]);
  return {
    rate,
    errorShare: rate > 0 ? sum(requests, (e) => e.errors) / rate : shareOf(edges),
    p95: slow.length > 0 ? Math.max(...slow) : undefined,
    bytes:
      requests.length === 0 && edges.length > 0
        ? sum(edges, (e) => (e.sentBytes ?? 0) + (e.receivedBytes ?? 0))
        : undefined,
    state: worst(edges.map((e) => e.health.state)),
    mutualTls:
      known.length === 0
        ? undefined
        : known.every((k) => k >= 0.999)
          ? 'all'
          : known.every((k) => k <= 0.001)
            ? 'none'
            : 'some',
    health: bad[0]?.health ?? { state: 'unknown' },
    protocols: [...new Set(edges.map((e) => e.protocol))].sort(),
  };
}

/** The error share of connections, where there are no requests. */
function shareOf(edges: readonly GraphLiveEdge[]): number {
  const rate = sum(edges, (e) => e.rate);
  return rate > 0 ? sum(edges, (e) => e.errors) / rate : 0;
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  let total = 0;
  for (const one of list) {
    total += of(one);
  }
  return total;
}

export interface NamespaceFigures extends Figures {
  /** States of its nodes, the worst first. */
  states: readonly Health[];
}

/** A namespace as one card: its nodes' states, and the traffic that comes into it from outside. */
export function namespaceFigures(
  nodes: readonly GraphLiveNode[],
  incoming: readonly GraphLiveEdge[],
): NamespaceFigures {
  const states = nodes.map((n) => n.health.state).sort((a, b) => healthRank[a] - healthRank[b]);
  const state = worst(states);
  if (incoming.length > 0) {
    return { ...threadFigures(incoming), state, states };
  }
  // Nobody calls it: what its busiest node does, such as a generator of traffic or a gateway.
  const busiest = [...nodes].sort((a, b) => b.rate - a.rate)[0];
  return {
    rate: busiest?.unit === 'rps' ? busiest.rate : 0,
    errorShare: busiest?.errorShare ?? 0,
    p95: busiest?.p95,
    bytes: busiest?.unit === 'B/s' ? busiest.rate : undefined,
    state,
    states,
  };
}

/** The figures of a node as they come. */
export const nodeFigures = (node: GraphLiveNode): Figures => ({
  rate: node.unit === 'rps' ? node.rate : 0,
  errorShare: node.errorShare,
  p95: node.p95,
  bytes: node.unit === 'B/s' ? node.rate : undefined,
  state: node.health.state,
});

/** Which figures are the reason of a state: only these take its colour. */
export function isReason(figures: Figures, health: GraphHealth | undefined): { errors: boolean; p95: boolean } {
  const bad = figures.state === 'failing' || figures.state === 'degraded';
  const slow = (health?.reasons ?? []).some((r) => r.code === 'slow');
  return { errors: bad && figures.errorShare >= 0.01, p95: bad && slow };
}

/** Nothing of it can be shown: idle, or nobody measures it. */
export const isQuiet = (node: GraphLiveNode): boolean =>
  node.health.state === 'idle' || (node.rate === 0 && (node.health.state === 'unknown' || node.idle === true));
