import { useStore } from 'zustand';
import { neededToWrite } from '../lib/kinds';
import type { Ref } from './generated/types.gen';
import { sessionStore } from './session-store';

/** Whether the person may write all of these objects. */
export function useMayWrite(): (refs: readonly Pick<Ref, 'group' | 'kind'>[]) => boolean {
  const capabilities = useStore(sessionStore, (s) => s.session?.capabilities) ?? [];
  return (refs) => refs.every((ref) => capabilities.includes(neededToWrite(ref)));
}
