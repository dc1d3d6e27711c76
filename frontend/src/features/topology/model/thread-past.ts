import type { GraphLiveNode } from '../../../api/generated/types.gen';
import { namespaceCard, type SceneThread } from './scene';

/** What the metrics are asked for the past of a thread. */
export interface ThreadSubject {
  kind: 'mesh' | 'service' | 'workload' | 'app';
  namespace?: string;
  name?: string;
  sourceNamespace: string;
  source?: string[];
}

type Known = (id: string) => GraphLiveNode | undefined;

const collapsed = (id: string): string | undefined =>
  id.startsWith(namespaceCard('')) ? id.slice(namespaceCard('').length) : undefined;

/** The workloads that are behind a node. */
export function workloadsOf(node: GraphLiveNode): string[] {
  const names = [...(node.versions ?? []).map((v) => v.workload), ...(node.workload ? [node.workload] : [])];
  if (node.kind === 'workload') {
    names.push(node.name);
  }
  return [...new Set(names.filter(Boolean))].sort();
}

/** The subject of a thread; nothing where an end is one that the metrics have no name for. */
export function threadSubject(thread: SceneThread, node: Known): ThreadSubject | undefined {
  const from = callers(thread.source, node);
  const to = called(thread.target, node);
  return from && to ? { ...to, ...from } : undefined;
}

function callers(id: string, node: Known): Pick<ThreadSubject, 'sourceNamespace' | 'source'> | undefined {
  const namespace = collapsed(id);
  if (namespace !== undefined) {
    return { sourceNamespace: namespace };
  }
  const source = node(id);
  if (source?.kind === 'unknown') {
    return { sourceNamespace: 'unknown' };
  }
  const workloads = source ? workloadsOf(source) : [];
  return source?.namespace && workloads.length > 0
    ? { sourceNamespace: source.namespace, source: workloads }
    : undefined;
}

function called(id: string, node: Known): Pick<ThreadSubject, 'kind' | 'namespace' | 'name'> | undefined {
  const namespace = collapsed(id);
  if (namespace !== undefined) {
    return { kind: 'mesh', namespace };
  }
  const target = node(id);
  const kind = (['service', 'workload', 'app'] as const).find((k) => k === target?.kind);
  if (!target || !kind) {
    return undefined;
  }
  const host = kind === 'service' ? target.services?.[0] : undefined;
  return { kind, name: host ?? target.name, ...(target.namespace ? { namespace: target.namespace } : {}) };
}
