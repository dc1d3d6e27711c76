import type { CsvColumn } from '../../lib/csv';
import { type Row, severityOf } from './rows';

/** The list of findings as CSV, with their sentences as the reader sees them. */
export const csvColumns = (text: (row: Row) => string): readonly CsvColumn<Row>[] => [
  { head: 'severity', of: ({ finding }) => severityOf(finding) },
  { head: 'code', of: ({ finding }) => finding.code },
  { head: 'finding', of: text },
  { head: 'kind', of: ({ finding }) => finding.ref.kind },
  { head: 'name', of: ({ finding }) => finding.ref.name },
  { head: 'namespace', of: ({ finding }) => finding.ref.namespace },
  { head: 'field', of: ({ finding }) => finding.path },
  { head: 'file', of: ({ finding }) => finding.file },
  { head: 'line', of: ({ finding }) => finding.line },
];
