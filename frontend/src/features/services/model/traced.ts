import type { Subject } from './subject';

/** Under which names the trace store knows it: applications with their namespace. */
export function tracedAs(
  { namespace, name }: Subject,
  pods: readonly { readonly app: string; readonly namespace: string }[],
): string[] {
  const names = new Set(pods.filter((p) => p.app !== '').map((p) => `${p.app}.${p.namespace}`));
  return names.size > 0 ? [...names].sort() : [`${name}.${namespace}`];
}
