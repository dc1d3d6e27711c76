import type { GraphLiveNode } from '../../../api/generated/types.gen';

/** Whether the traffic of a node can be shifted between versions: a service of the mesh that has several. */
export const canSplit = (node: GraphLiveNode): boolean => isService(node) && (node.versions ?? []).length > 1;

/** A service of the mesh itself, which rules can be written for. */
export const isService = (node: GraphLiveNode): boolean => node.kind === 'service' && !node.external && !node.gateway;
