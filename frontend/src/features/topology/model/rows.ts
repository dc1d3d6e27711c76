import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import type { CsvColumn } from '../../../lib/csv';
import { healthRank } from '../../../ui/glyph';
import { isQuiet, nodeFigures, threadFigures } from './figures';

/** A row of the table: a card, or a thread. Figures that were not measured are absent. */
export interface Row {
  id: string;
  state: GraphLiveNode['health']['state'];
  name: string;
  namespace: string;
  /** Of a thread: where it leads, and how. */
  to?: string;
  protocol?: string;
  mutualTls?: string;
  versions?: string;
  rate?: number | undefined;
  bytes?: number | undefined;
  errorShare?: number | undefined;
  p95?: number | undefined;
}

export function nodeRows(nodes: readonly GraphLiveNode[]): Row[] {
  return nodes.map((node) => {
    const figures = nodeFigures(node);
    const quiet = isQuiet(node);
    return {
      id: node.id,
      state: node.health.state,
      name: node.name,
      namespace: node.namespace ?? '',
      versions: (node.versions ?? []).map((v) => v.version || v.workload).join(' '),
      rate: quiet || figures.bytes !== undefined ? undefined : figures.rate,
      bytes: figures.bytes,
      errorShare: quiet ? undefined : figures.errorShare,
      p95: figures.p95,
    };
  });
}

export function edgeRows(edges: readonly GraphLiveEdge[], node: (id: string) => GraphLiveNode | undefined): Row[] {
  return edges.map((edge) => {
    const figures = threadFigures([edge]);
    return {
      id: `${edge.source} > ${edge.target}`,
      state: edge.health.state,
      name: node(edge.source)?.name ?? edge.source,
      namespace: node(edge.source)?.namespace ?? '',
      to: node(edge.target)?.name ?? edge.target,
      protocol: edge.protocol,
      mutualTls: figures.mutualTls ?? '',
      rate: figures.bytes === undefined ? figures.rate : undefined,
      bytes: figures.bytes,
      errorShare: figures.errorShare,
      p95: figures.p95,
    };
  });
}

export const columns = {
  nodes: ['state', 'name', 'namespace', 'rate', 'errors', 'p95', 'versions'],
  threads: ['state', 'from', 'to', 'protocol', 'rate', 'errors', 'p95', 'mtls'],
} as const;
export type RowKind = keyof typeof columns;
export type ColumnId = (typeof columns)[RowKind][number];

const least = Number.NEGATIVE_INFINITY;

/** What a row is sorted by in a column. */
export function sortValue(row: Row, column: ColumnId): string | number {
  switch (column) {
    case 'state':
      return healthRank[row.state];
    case 'name':
    case 'from':
      return row.name;
    case 'namespace':
      return row.namespace;
    case 'to':
      return row.to ?? '';
    case 'protocol':
      return row.protocol ?? '';
    case 'mtls':
      return row.mutualTls ?? '';
    case 'versions':
      return row.versions ?? '';
    case 'rate':
      return row.rate ?? row.bytes ?? least;
    case 'errors':
      return row.errorShare ?? least;
    case 'p95':
      return row.p95 ?? least;
  }
}

/** Sorted by a column, "-rate" downwards; the worst first unless told otherwise. */
export function sorted(rows: readonly Row[], sort: string | undefined): Row[] {
  const all: readonly string[] = [...columns.nodes, ...columns.threads];
  const name = sort?.replace(/^-/, '') ?? '';
  const column = (all.includes(name) ? name : 'state') as ColumnId;
  const sign = sort?.startsWith('-') ? -1 : 1;
  const compare = (a: string | number, b: string | number) =>
    typeof a === 'string' && typeof b === 'string' ? a.localeCompare(b) : a < b ? -1 : Number(a > b);
  return rows
    .map((row) => ({ row, by: sortValue(row, column) }))
    .sort((a, b) => sign * compare(a.by, b.by) || a.row.name.localeCompare(b.row.name) || compare(a.row.id, b.row.id))
    .map(({ row }) => row);
}

const figures: readonly CsvColumn<Row>[] = [
  { head: 'requestsPerSecond', of: (r) => r.rate },
  { head: 'bytesPerSecond', of: (r) => r.bytes },
  { head: 'errorShare', of: (r) => r.errorShare },
  { head: 'p95Milliseconds', of: (r) => r.p95 },
];

/** What the rows are as CSV, with plain numbers: requests and bytes in a second, shares of one, milliseconds. */
export const csvColumns: Record<RowKind, readonly CsvColumn<Row>[]> = {
  nodes: [
    { head: 'state', of: (r) => r.state },
    { head: 'name', of: (r) => r.name },
    { head: 'namespace', of: (r) => r.namespace },
    ...figures,
    { head: 'versions', of: (r) => r.versions },
  ],
  threads: [
    { head: 'state', of: (r) => r.state },
    { head: 'from', of: (r) => r.name },
    { head: 'namespace', of: (r) => r.namespace },
    { head: 'to', of: (r) => r.to },
    { head: 'protocol', of: (r) => r.protocol },
    ...figures,
    { head: 'mutualTLS', of: (r) => r.mutualTls },
  ],
};
