import { ruleAddress, serviceAddress, workloadAddress } from './addresses';
import { addressOf, type ObjectName } from './kinds';

const ruled = /(^|\.)(istio\.io|gateway\.networking\.k8s\.io)$/;
const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'];

/**
 * The page about an object, if there is one: rules have their editor, services and workloads
 * their own. With the path of a field, the editor shows that line.
 */
export function objectAddress(ref: ObjectName, path?: string): string | undefined {
  if (ruled.test(ref.group ?? '')) {
    const query = path ? `?at=${encodeURIComponent(path)}` : '';
    return ruleAddress(addressOf(ref)) + query;
  }
  if (ref.kind === 'Service' && !ref.group) {
    return serviceAddress(ref);
  }
  return workloads.includes(ref.kind) ? workloadAddress(ref) : undefined;
}
