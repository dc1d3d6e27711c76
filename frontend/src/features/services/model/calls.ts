import type { GraphLiveEdge, GraphLiveNode, GraphResponse } from '../../../api/generated/types.gen';
import type { GraphParts } from '../../../api/live/graph-parts';

/** The traffic with one peer in one protocol. */
export interface Call {
  readonly id: string;
  readonly direction: 'in' | 'out';
  /** The other end; undefined when the graph does not have it. */
  readonly peer: GraphLiveNode | undefined;
  readonly edge: GraphLiveEdge;
}

/** Who calls it, then whom it calls, most traffic first. */
export function callsOf(graph: GraphParts, id: string): Call[] {
  const calls: Call[] = [];
  for (const edge of graph.edges) {
    if (edge.target === id) {
      calls.push({ id: `in ${edge.id}`, direction: 'in', peer: graph.byId.get(edge.source), edge });
    }
    if (edge.source === id) {
      calls.push({ id: `out ${edge.id}`, direction: 'out', peer: graph.byId.get(edge.target), edge });
    }
  }
  return calls.sort(
    (a, b) =>
      (a.direction === b.direction ? 0 : a.direction === 'in' ? -1 : 1) ||
      b.edge.rate - a.edge.rate ||
      (a.id < b.id ? -1 : 1),
  );
}

/** "200, 503 UC": the answers of an edge, the most frequent first. */
export function answerList(responses: readonly GraphResponse[] | null | undefined): string {
  const words = (responses ?? []).map(answerName).filter(Boolean);
  return [...new Set(words)].slice(0, 4).join(', ');
}

/** "503", "gRPC 14"; '' when there was no answer. */
export function answerCode({ code, grpc }: GraphResponse): string {
  if (grpc && grpc !== '0') {
    return `gRPC ${grpc}`;
  }
  return code === '0' ? '' : (code ?? '');
}

const answerName = (r: GraphResponse) =>
  [answerCode(r), r.flags === '-' ? '' : (r.flags ?? '')].filter(Boolean).join(' ');

export interface Answer {
  readonly code: string;
  readonly flags: string;
  /** Of all answers, 0 to 1. */
  readonly share: number;
  readonly bad: boolean;
}

/** How what came in was answered, added up over all callers. */
export function answersOf(calls: readonly Call[]): Answer[] {
  const sums = new Map<string, { code: string; flags: string; rate: number }>();
  let all = 0;
  for (const { direction, edge } of calls) {
    for (const r of direction === 'in' ? (edge.responses ?? []) : []) {
      const code = answerCode(r);
      const flags = r.flags === '-' ? '' : (r.flags ?? '');
      const of = sums.get(`${code} ${flags}`) ?? { code, flags, rate: 0 };
      of.rate += r.rate;
      all += r.rate;
      sums.set(`${code} ${flags}`, of);
    }
  }
  return [...sums.values()]
    .filter((s) => s.rate > 0)
    .sort((a, b) => b.rate - a.rate)
    .map(({ code, flags, rate }) => ({ code, flags, share: rate / all, bad: isBad(code) }));
}

/** What health counts as an error: 5xx, no answer, the gRPC codes of a fault of the server. */
const isBad = (code: string) => code === '' || /^5/.test(code) || /^gRPC (2|4|8|13|14|15)$/.test(code);

/** The share of what comes in under mutual TLS; undefined when nobody could tell. */
export function mutualTLS(calls: readonly Call[]): number | undefined {
  const told = calls.filter((c) => c.direction === 'in' && c.edge.mutualTLS !== undefined && !c.edge.idle);
  const rate = told.reduce((sum, c) => sum + c.edge.rate, 0);
  if (told.length === 0) {
    return undefined;
  }
  return rate === 0
    ? told[0]?.edge.mutualTLS
    : told.reduce((sum, c) => sum + (c.edge.mutualTLS ?? 0) * c.edge.rate, 0) / rate;
}

/** How wide a thread is drawn. */
export const threadWidth = (edge: GraphLiveEdge): number =>
  edge.protocol === 'tcp' ? 2.2 : Math.min(7, 1.25 + 1.55 * Math.log10(1 + edge.rate));
