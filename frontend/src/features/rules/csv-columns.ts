import type { LiveObject } from '../../api/generated/types.gen';
import type { CsvColumn } from '../../lib/csv';

/** What an object acts on: the whole mesh, its namespace, or the services or hosts that it names. */
function actsOn(o: LiveObject): string {
  if (o.scope !== 'services') {
    return o.scope;
  }
  return (o.services?.length ? o.services : (o.hosts ?? [])).join(' ');
}

/** The list of objects as CSV. */
export const csvColumns: readonly CsvColumn<LiveObject>[] = [
  { head: 'state', of: (o) => o.state },
  { head: 'kind', of: (o) => o.ref.kind },
  { head: 'name', of: (o) => o.ref.name },
  { head: 'namespace', of: (o) => o.ref.namespace },
  { head: 'actsOn', of: actsOn },
  { head: 'errors', of: (o) => o.findings.error },
  { head: 'warnings', of: (o) => o.findings.warning },
  { head: 'notes', of: (o) => o.findings.info },
  { head: 'changed', of: (o) => o.changed?.at },
  { head: 'changedBy', of: (o) => o.changed?.actor },
];
