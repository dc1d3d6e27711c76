import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { type NamespaceFigures, namespaceFigures } from './figures';

type Elements = ReadonlyMap<string, unknown>;

const computed = new WeakMap<Elements, ReadonlyMap<string, NamespaceFigures>>();

/** The figures of all namespaces, once for each state of the graph. */
export function figuresByNamespace(elements: Elements): ReadonlyMap<string, NamespaceFigures> {
  const known = computed.get(elements);
  if (known) {
    return known;
  }
  const nodes = new Map<string, GraphLiveNode[]>();
  const of = new Map<string, string>();
  const incoming = new Map<string, GraphLiveEdge[]>();
  for (const [key, element] of elements) {
    if (key.startsWith('n:')) {
      const node = element as GraphLiveNode;
      const namespace = node.namespace ?? '';
      of.set(node.id, namespace);
      push(nodes, namespace, node);
    }
  }
  for (const [key, element] of elements) {
    if (key.startsWith('e:')) {
      const edge = element as GraphLiveEdge;
      const into = of.get(edge.target);
      if (into !== undefined && of.get(edge.source) !== into) {
        push(incoming, into, edge);
      }
    }
  }
  const figures = new Map(
    [...nodes].map(([namespace, list]) => [namespace, namespaceFigures(list, incoming.get(namespace) ?? [])]),
  );
  computed.set(elements, figures);
  return figures;
}

function push<T>(lists: Map<string, T[]>, key: string, one: T): void {
  const list = lists.get(key);
  if (list) {
    list.push(one);
  } else {
    lists.set(key, [one]);
  }
}
