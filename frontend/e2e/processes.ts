import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** What a file of /proc says; "" when the process has ended, or is not ours to look at. */
const proc = (pid: string, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

/** The process of the proxy of a pod. */
export function envoyOf(pod: string): number {
  const found = readdirSync('/proc').find(
    (pid) =>
      /^\d+$/.test(pid) &&
      basename(proc(pid, 'cmdline').split('\0')[0] ?? '') === 'envoy' &&
      proc(pid, 'environ').split('\0').includes(`POD_NAME=${pod}`),
  );
  if (!found) {
    throw new Error(`pod ${pod} has no proxy`);
  }
  return Number(found);
}
