import type { GraphLiveNode, HistoryChange } from '../../api/generated/types.gen';
import type { ChartMark } from '../../ui/chart/chart';

/** Of a workload behind more services the changes of the others are not asked for. */
const mostServices = 3;

/** The services whose changes concern a node, as "namespace/name": itself, or those that it stands behind. */
export function servicesOf(node: Pick<GraphLiveNode, 'kind' | 'namespace' | 'name' | 'services'>): string[] {
  if (node.kind === 'service') {
    return node.namespace ? [`${node.namespace}/${node.name}`] : [];
  }
  return (node.services ?? [])
    .flatMap((host) => {
      const [name, namespace, svc] = host.split('.');
      return name && namespace && svc === 'svc' ? [`${namespace}/${name}`] : [];
    })
    .slice(0, mostServices);
}

/** Marks of changes, each once and only the newest in words, and of where something began to be wrong. */
export function marksOf(
  changes: readonly HistoryChange[],
  word: (change: HistoryChange) => string | undefined,
  state: string | undefined,
  since: string | undefined,
): ChartMark[] {
  const each = [...new Map(changes.map((c) => [c.id, c])).values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const marks: ChartMark[] = each.map((change, i) => {
    const label = i > 0 ? '' : word(change);
    return { at: Date.parse(change.at) / 1000, kind: 'change', ...(label === undefined ? {} : { label }) };
  });
  if (since && (state === 'failing' || state === 'degraded')) {
    marks.push({ at: Date.parse(since) / 1000, kind: 'incident' });
  }
  return marks;
}
