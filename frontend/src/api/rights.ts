import { useStore } from 'zustand';
import type { Ref } from './generated/types.gen';
import { sessionStore } from './session-store';

const traffic = ['VirtualService', 'DestinationRule', 'ServiceEntry'];
const meshGroup = /(^|\.)(istio\.io|gateway\.networking\.k8s\.io)$/;

/**
 * What writing an object needs, as the server decides it: rules about traffic, other mesh kinds,
 * and what runs programs, which nobody writes from a browser.
 */
export const neededToWrite = ({ group, kind }: Pick<Ref, 'group' | 'kind'>): 'editTraffic' | 'admin' | 'owner' =>
  !meshGroup.test(group ?? '') ? 'owner' : traffic.includes(kind) ? 'editTraffic' : 'admin';

/** Whether the person may write all of these objects. */
export function useMayWrite(): (refs: readonly Pick<Ref, 'group' | 'kind'>[]) => boolean {
  const capabilities = useStore(sessionStore, (s) => s.session?.capabilities) ?? [];
  return (refs) => refs.every((ref) => capabilities.includes(neededToWrite(ref)));
}
