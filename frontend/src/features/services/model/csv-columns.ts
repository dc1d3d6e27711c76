import type { GraphLiveNode } from '../../../api/generated/types.gen';
import type { CsvColumn } from '../../../lib/csv';
import { fullName } from '../../../lib/kinds';
import { type Kind, sidecar } from './subject';

const shared: readonly CsvColumn<GraphLiveNode>[] = [
  { head: 'state', of: (n) => n.health.state },
  { head: 'name', of: (n) => n.name },
  { head: 'namespace', of: (n) => n.namespace },
  { head: 'requestsPerSecond', of: (n) => (n.unit === 'rps' ? n.rate : undefined) },
  { head: 'bytesPerSecond', of: (n) => (n.unit === 'rps' ? undefined : n.rate) },
  // Of nothing there is no share.
  { head: 'errorShare', of: (n) => (n.rate > 0 && n.unit === 'rps' ? n.errorShare : undefined) },
  { head: 'p95Milliseconds', of: (n) => n.p95 },
];

const counted: Record<Kind, readonly CsvColumn<GraphLiveNode>[]> = {
  service: [{ head: 'versions', of: (n) => (n.versions ?? []).map((v) => v.version || v.workload).join(' ') }],
  workload: [
    { head: 'podsReady', of: (n) => n.pods.ready },
    { head: 'pods', of: (n) => n.pods.total },
  ],
};

/** The list of services, or of workloads, as CSV. */
export const csvColumns = (kind: Kind): readonly CsvColumn<GraphLiveNode>[] => [
  ...shared,
  ...counted[kind],
  { head: 'rules', of: (n) => (n.rules ?? []).map(fullName).join('\n') },
  { head: 'sidecar', of: sidecar },
];
