import type { MeshFinding } from '../../api/generated/types.gen';
import { fullName } from '../../lib/kinds';
import { inScope, type Scope } from '../../lib/scope';

export const severities = ['error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

/** A finding with what names it among the others. */
export interface Row {
  readonly id: string;
  readonly finding: MeshFinding;
}

/** A severity that is not known counts as a note. */
export const severityOf = (finding: MeshFinding): Severity => severities.find((s) => s === finding.severity) ?? 'info';

export interface FindingFilter {
  readonly q?: string | undefined;
  /** One of the severities, or "serious": errors and warnings. */
  readonly severity?: string | undefined;
}

/** The findings in scope, errors first, then by namespace and object. */
export function rowsOf(findings: ReadonlyMap<string, MeshFinding>, scope: Scope): Row[] {
  return [...findings]
    .map(([id, finding]) => ({ id, finding }))
    .filter(({ finding }) => !finding.ref.namespace || inScope(scope, finding.ref.namespace))
    .sort(
      ({ finding: a, id: x }, { finding: b, id: y }) =>
        severities.indexOf(severityOf(a)) - severities.indexOf(severityOf(b)) ||
        (a.ref.namespace ?? '').localeCompare(b.ref.namespace ?? '') ||
        fullName(a.ref).localeCompare(fullName(b.ref)) ||
        (a.line ?? 0) - (b.line ?? 0) ||
        x.localeCompare(y),
    );
}

/** Whether a finding is looked for; each word must be met by its text, code, object or file. */
export function isFound(row: Row, text: string, filter: FindingFilter): boolean {
  const { finding } = row;
  const severity = severityOf(finding);
  if (filter.severity === 'serious' ? severity === 'info' : filter.severity && filter.severity !== severity) {
    return false;
  }
  const all = [finding.code, text, fullName(finding.ref), finding.file ?? '', finding.path ?? '']
    .join('\n')
    .toLowerCase();
  return (filter.q ?? '')
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

export function tally(rows: readonly Row[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { finding } of rows) {
    counts[severityOf(finding)]++;
  }
  return counts;
}

/** The end of a file's path, and the line: "bookinfo/destination-rules.yaml:36". */
export function place(finding: MeshFinding): string {
  if (!finding.file) {
    return '';
  }
  const end = finding.file.split('/').slice(-1)[0] ?? '';
  return finding.line ? `${end}:${finding.line}` : end;
}
