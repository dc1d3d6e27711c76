import type { GraphLiveEdge } from '../../../api/generated/types.gen';

/** One way in which requests end. */
export interface Answer {
  /** "503", "gRPC 14"; empty where there was no answer. */
  code: string;
  /** Envoy's response flags, joined by commas; empty without any. */
  flags: string;
  /** Of all answers, from 0 to 1. */
  share: number;
  wrong: boolean;
}

/** The gRPC statuses that stand for a fault of the server. */
const faults = new Set(['2', '4', '8', '13', '14', '15']);
const mostListed = 6;

/** How the requests of edges end, the most frequent first. */
export function answersOf(edges: readonly GraphLiveEdge[]): Answer[] {
  const rates = new Map<string, { code: string; flags: string; rate: number; wrong: boolean }>();
  let all = 0;
  for (const edge of edges) {
    for (const response of edge.responses ?? []) {
      const grpc = response.grpc && response.grpc !== '0' ? `gRPC ${response.grpc}` : '';
      const http = response.code && response.code !== '0' ? response.code : '';
      const flags = response.flags && response.flags !== '-' ? response.flags : '';
      const code = grpc || http;
      const wrong = grpc ? faults.has(response.grpc ?? '') : http === '' || http.startsWith('5');
      const key = `${code} ${flags}`;
      const one = rates.get(key) ?? { code, flags, rate: 0, wrong };
      rates.set(key, { ...one, rate: one.rate + response.rate });
      all += response.rate;
    }
  }
  return [...rates.values()]
    .filter((a) => a.rate > 0)
    .sort((a, b) => b.rate - a.rate || a.code.localeCompare(b.code))
    .slice(0, mostListed)
    .map(({ rate, ...answer }) => ({ ...answer, share: rate / all }));
}
