import type { GraphLiveNode } from '../../../api/generated/types.gen';

/**
 * How many cards are what the mode shows. Among services that is what has the name of a service; a
 * workload that stands for none, such as a generator of traffic, only calls, and is one more.
 */
export function counted(
  cards: readonly string[],
  mode: 'service' | 'workload' | 'app',
  node: (id: string) => Pick<GraphLiveNode, 'kind'> | undefined,
): { of: number; more: number } {
  const of = cards.filter((id) => node(id)?.kind === mode).length;
  return { of, more: cards.length - of };
}
