import type { CsvColumn } from '../../../lib/csv';
import { columnSync, columnTypes, type ProxyRow } from './status';

const iso = (at: number): string | undefined => (at ? new Date(at).toISOString() : undefined);

/** The list of proxies as CSV. */
export const csvColumns: readonly CsvColumn<ProxyRow>[] = [
  { head: 'state', of: (r) => r.state },
  { head: 'proxy', of: (r) => r.proxy.pod },
  { head: 'workload', of: (r) => r.proxy.workload },
  { head: 'namespace', of: (r) => r.proxy.namespace },
  ...columnTypes.map((type) => ({ head: type, of: (r: ProxyRow) => columnSync(r, type)?.state })),
  { head: 'acknowledged', of: (r) => iso(r.acked) },
  { head: 'bytesSent', of: (r) => r.sent },
  { head: 'requestsPerSecond', of: (r) => r.proxy.rps },
  { head: 'certificateEnds', of: (r) => r.proxy.certificateEnds },
  { head: 'envoy', of: (r) => r.proxy.version },
  { head: 'revision', of: (r) => r.proxy.revision },
  { head: 'node', of: (r) => r.proxy.node },
  { head: 'rejected', of: (r) => (r.proxy.refused ?? []).map((one) => one.message).join('\n') },
];
