import type { TracesTrace } from '../../../api/generated/types.gen';
import type { CsvColumn } from '../../../lib/csv';

/** The list of traces as CSV. */
export const csvColumns: readonly CsvColumn<TracesTrace>[] = [
  { head: 'trace', of: (trace) => trace.id },
  { head: 'start', of: (trace) => trace.start },
  { head: 'operation', of: (trace) => trace.spans?.[0]?.operation },
  { head: 'services', of: (trace) => (trace.services ?? []).join(' ') },
  { head: 'spans', of: (trace) => trace.spanCount ?? trace.spans?.length },
  { head: 'errors', of: (trace) => trace.errors },
  { head: 'durationMilliseconds', of: (trace) => trace.durationNanos / 1e6 },
];
