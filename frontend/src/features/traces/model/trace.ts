import type { TracesSpan, TracesTrace } from '../../../api/generated/types.gen';

/** Microseconds since 1970: spans are shorter than the milliseconds of a Date. */
export function micros(at: string): number {
  const [, seconds = '', fraction = ''] = /^(.{19})(?:\.(\d+))?/.exec(at) ?? [];
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

/** One call: what its caller's proxy and its own proxy saw of it are one row. */
export interface Hop {
  readonly id: string;
  readonly depth: number;
  /** Who answered: the workload where it is known, else the service. */
  readonly name: string;
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
  readonly what: string;
  /** Microseconds after the beginning of the trace, and how long. */
  readonly at: number;
  readonly length: number;
  /** Time that no call below accounts for. */
  readonly self: number;
  readonly error: boolean;
  readonly status: string;
  readonly flags: string;
  readonly from: string;
  readonly to: string;
  /** Milliseconds between the caller's view and the callee's: network and queues. */
  readonly between: number | undefined;
}

const attribute = (span: TracesSpan | undefined, key: string): string =>
  span?.attributes?.find((a) => a.key === key)?.value ?? '';

/** "sidecar~10.0.0.1~reviews-v3-abc-def.shop~…" is the pod reviews-v3-abc-def. */
const podOf = (span: TracesSpan | undefined): string => attribute(span, 'node_id').split('~')[2]?.split('.')[0] ?? '';

/** The workload of a pod of a Deployment: its name without the two words that are made up. */
const workloadOf = (pod: string): string => pod.replace(/-[a-z0-9]+-[a-z0-9]{5}$/, '');

function serviceOf(text: string): Hop['service'] {
  const [name, namespace] = text.split('.');
  return name && namespace ? { name, namespace } : undefined;
}

/** Where a span of a caller leads to, from the name of the cluster. */
function calledService(span: TracesSpan): string {
  const host = attribute(span, 'upstream_cluster.name').split('|')[3] ?? span.operation.split(':')[0] ?? '';
  return host.split('.').slice(0, 2).join('.');
}

function what(span: TracesSpan): string {
  const method = attribute(span, 'http.method');
  const url = attribute(span, 'http.url');
  const path = /^[a-z]+:\/\/[^/]+(.*)$/.exec(url)?.[1] ?? url;
  return method ? `${method} ${path || '/'}` : span.operation;
}

interface Interval {
  readonly from: number;
  readonly to: number;
}

/** How much of an interval others cover together. */
export function covered(of: Interval, by: readonly Interval[]): number {
  let sum = 0;
  let end = of.from;
  for (const { from, to } of [...by].sort((a, b) => a.from - b.from)) {
    const start = Math.max(from, end);
    const stop = Math.min(to, of.to);
    if (stop > start) {
      sum += stop - start;
      end = stop;
    }
  }
  return sum;
}

const interval = (span: TracesSpan): Interval => {
  const from = micros(span.start);
  return { from, to: from + span.durationNanos / 1000 };
};

/** The calls of a trace, each below its caller, in the order of time. */
export function hopsOf(trace: TracesTrace): Hop[] {
  const spans = [...(trace.spans ?? [])].sort((a, b) => micros(a.start) - micros(b.start));
  const ids = new Set(spans.map((s) => s.id));
  const below = new Map<string, TracesSpan[]>();
  for (const span of spans) {
    const parent = span.parent && ids.has(span.parent) ? span.parent : '';
    below.set(parent, [...(below.get(parent) ?? []), span]);
  }
  const begin = Math.min(...spans.map((s) => micros(s.start)));
  const hops: Hop[] = [];
  const visited = new Set<string>();
  const walk = (span: TracesSpan, depth: number) => {
    if (visited.has(span.id)) {
      return;
    }
    visited.add(span.id);
    const children = below.get(span.id) ?? [];
    const [only] = children;
    const answered = span.kind === 'client' && children.length === 1 && only?.kind === 'server' ? only : undefined;
    if (answered) {
      visited.add(answered.id);
    }
    const server = answered ?? (span.kind === 'client' ? undefined : span);
    const calls = answered ? (below.get(answered.id) ?? []) : children;
    const own = interval(span);
    const service = server?.service ?? calledService(span);
    const pod = podOf(server);
    hops.push({
      id: span.id,
      depth,
      name: workloadOf(pod) || service.split('.')[0] || span.service,
      service: serviceOf(service),
      what: what(span),
      at: own.from - begin,
      length: own.to - own.from,
      self: own.to - own.from - covered(own, calls.map(interval)),
      error: Boolean(span.error || answered?.error),
      status: attribute(span, 'http.status_code') || attribute(span, 'grpc.status_code'),
      flags: attribute(span, 'response_flags').replace(/^-$/, ''),
      from: span.kind === 'client' ? podOf(span) : attribute(span, 'peer.address'),
      to: pod,
      between: answered ? Math.max(0, (span.durationNanos - answered.durationNanos) / 1e6) : undefined,
    });
    for (const call of calls) {
      walk(call, depth + 1);
    }
  };
  for (const root of below.get('') ?? []) {
    walk(root, 0);
  }
  return hops;
}

/** How long all calls took together, in microseconds. */
export const lengthOf = (hops: readonly Hop[]): number => Math.max(1, ...hops.map((h) => h.at + h.length));

/** Where the time went, and what failed first: the deepest call with an error. */
export interface Story {
  readonly slowest: { readonly name: string; readonly share: number } | undefined;
  readonly failed: { readonly hop: Hop; readonly count: number } | undefined;
}

export function storyOf(hops: readonly Hop[]): Story {
  const all = lengthOf(hops);
  const byName = new Map<string, number>();
  for (const hop of hops) {
    byName.set(hop.name, (byName.get(hop.name) ?? 0) + hop.self);
  }
  const [most] = [...byName].sort(([, a], [, b]) => b - a);
  const errors = hops.filter((h) => h.error);
  const deepest = Math.max(...errors.map((h) => h.depth));
  const hop = errors.find((h) => h.depth === deepest);
  return {
    slowest: most && { name: most[0], share: Math.min(1, most[1] / all) },
    failed: hop && { hop, count: errors.filter((h) => h.name === hop.name).length },
  };
}

/** The names in the order in which they appear: each has a colour of its own. */
export const coloursOf = (hops: readonly Hop[]): Map<string, number> =>
  new Map([...new Set(hops.map((h) => h.name))].map((name, i) => [name, i % 4]));
