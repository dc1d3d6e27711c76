import { ruleAddress, serviceAddress, workloadAddress } from './addresses';
import { addressOf, isMeshKind, type ObjectName } from './kinds';

const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'];

/**
 * The page about an object, if there is one: rules have their editor, services and workloads
 * their own. With the path of a field, the editor shows that line.
 */
export function objectAddress(ref: ObjectName, path?: string): string | undefined {
  if (isMeshKind(ref)) {
    const query = path ? `?at=${encodeURIComponent(path)}` : '';
    return ruleAddress(addressOf(ref)) + query;
  }
  if (ref.kind === 'Service' && !ref.group) {
    return serviceAddress(ref);
  }
  return workloads.includes(ref.kind) ? workloadAddress(ref) : undefined;
}
