import type { GraphLiveNode, Workload } from '../../api/generated/types.gen';
import type { GraphParts } from '../../api/live/graph-parts';
import type { Call } from './model/calls';
import type { Subject } from './model/subject';

/** What every part of a detail page is given. */
export interface Detail {
  readonly subject: Subject;
  readonly node: GraphLiveNode;
  readonly graph: GraphParts;
  readonly calls: readonly Call[];
  /** The pods behind it; undefined while they are asked for. */
  readonly pods: readonly Workload[] | undefined;
}
