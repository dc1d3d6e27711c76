import type { SimulateAnswer } from '../../../api/generated/types.gen';

/** Where a request goes, in what a person needs of it. */
export interface Outcome {
  /** Shares in percent by subset, or by host where there is none; largest first. */
  readonly shares: readonly { name: string; percent: number; empty: boolean }[];
  readonly redirect: { location: string; status: number } | undefined;
  readonly status: number | undefined;
  readonly failure: string | undefined;
  readonly delay: { ms: number; percent: number } | undefined;
  readonly abort: { status: number; percent: number } | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly tries: number;
  readonly mirrors: readonly string[];
  readonly route: string;
  /** As what it arrives, where that is rewritten: a path, a host, or both. */
  readonly rewritten: string | undefined;
}

const perMilli = 1e6; // durations of Go are nanoseconds

/** "v1" of outbound|9080|v1|reviews.default.svc.cluster.local; the host's first part without a subset. */
export function clusterName(cluster: string): string {
  const [, , subset, host = cluster] = cluster.split('|');
  return subset || (host.split('.')[0] ?? host);
}

export function outcome(answer: SimulateAnswer): Outcome {
  const fault = answer.fault;
  return {
    shares: (answer.clusters ?? [])
      .map((c) => ({ name: clusterName(c.cluster), percent: c.percent, empty: c.empty === true || !c.known }))
      .sort((a, b) => b.percent - a.percent),
    redirect: answer.redirect,
    status: answer.direct?.status,
    failure: answer.failure?.reason,
    delay: fault?.delay ? { ms: fault.delay / perMilli, percent: fault.delayPercent ?? 100 } : undefined,
    abort: fault?.abortStatus ? { status: fault.abortStatus, percent: fault.abortPercent ?? 100 } : undefined,
    timeout: answer.timeout ? answer.timeout / perMilli : undefined,
    tries: 1 + (answer.retries?.attempts ?? 0),
    mirrors: (answer.mirrors ?? []).map((m) => clusterName(m.cluster)),
    route: answer.routeName ?? '',
    rewritten: `${answer.host ?? ''}${answer.path ?? ''}` || undefined,
  };
}
