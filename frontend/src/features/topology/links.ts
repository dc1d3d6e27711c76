import type { LinkProps } from '@tanstack/react-router';
import type { GraphLiveNode } from '../../api/generated/types.gen';
import { serviceAddress, workloadAddress } from '../../lib/addresses';

/** The page about a node; nothing for one that only the graph knows, such as an address. */
export function pageOf(node: GraphLiveNode): string | undefined {
  if (!node.namespace || node.gateway) {
    return node.namespace && node.workload ? workloadAddress({ ...node, name: node.workload }) : undefined;
  }
  if (node.kind === 'service') {
    return serviceAddress(node);
  }
  return node.kind === 'workload' ? workloadAddress(node) : undefined;
}

/** An address with a search, for links to pages of other features. */
export const withSearch = (to: string, search: Record<string, string>): LinkProps =>
  ({ to, search }) as unknown as LinkProps;

/** "Change traffic" about a service. */
export const wizardOf = (node: GraphLiveNode): LinkProps =>
  withSearch('/change', { service: `${node.namespace}/${node.name}` });

export const tracesOf = (node: GraphLiveNode): LinkProps =>
  withSearch('/traces', { service: `${node.name}.${node.namespace}` });
