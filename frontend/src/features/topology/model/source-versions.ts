import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { type ThreadFigures, threadFigures } from './figures';
import type { ThreadSubject } from './thread-past';

export interface SourceVersion {
  /** The version, or the workload where it has none. */
  name: string;
  share: number;
  figures: ThreadFigures;
}

/**
 * What each version of the caller does on a thread, by the edges between workloads: those that come
 * from its workloads, and go to the same service, workload or app.
 */
export function sourceVersions(
  edges: readonly GraphLiveEdge[],
  node: (id: string) => GraphLiveNode | undefined,
  subject: ThreadSubject,
): SourceVersion[] {
  const byVersion = new Map<string, GraphLiveEdge[]>();
  for (const edge of edges) {
    const from = node(edge.source);
    if (from && isFrom(from, subject) && isTo(edge, node(edge.target), subject)) {
      const name = from.version || from.name;
      byVersion.set(name, [...(byVersion.get(name) ?? []), edge]);
    }
  }
  const rows = [...byVersion].map(([name, list]) => ({ name, figures: threadFigures(list) }));
  const amount = (f: ThreadFigures) => f.bytes ?? f.rate;
  const all = rows.reduce((sum, r) => sum + amount(r.figures), 0);
  return rows
    .map((r) => ({ ...r, share: all > 0 ? amount(r.figures) / all : 0 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isFrom(node: GraphLiveNode, { source, sourceNamespace }: ThreadSubject): boolean {
  return node.namespace === sourceNamespace && (source ?? []).includes(node.workload ?? node.name);
}

function isTo(edge: GraphLiveEdge, target: GraphLiveNode | undefined, subject: ThreadSubject): boolean {
  switch (subject.kind) {
    case 'service':
      return (edge.services ?? []).includes(subject.name ?? '');
    case 'workload':
      return target?.namespace === subject.namespace && (target?.workload ?? target?.name) === subject.name;
    case 'app':
      return target?.namespace === subject.namespace && target?.app === subject.name;
    case 'mesh':
      return target?.namespace === subject.namespace;
  }
}
