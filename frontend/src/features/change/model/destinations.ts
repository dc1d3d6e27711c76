import type { Context } from './form';
import { array, type Json, object, text } from './json';

/** One destination of a rule, as the form sees it. */
export interface Destination {
  readonly index: number;
  /** The host as it is written. */
  readonly host: string;
  readonly subset: string;
  /** It leads to the service itself, whichever subset. */
  readonly own: boolean;
  /** Its share in percent is the form's to change: an own one, the first of its version, or of all of them. */
  readonly known: boolean;
  readonly weight: number;
}

/** The host by which a rule of a namespace names the service. */
export const hostIn = (namespace: string, context: Context): string =>
  namespace === context.namespace ? context.name : `${context.name}.${context.namespace}.svc.cluster.local`;

/** Whether a host, written in a rule of a namespace, is the service. */
export function isService(host: string, namespace: string, context: Pick<Context, 'namespace' | 'name'>): boolean {
  const full = `${context.name}.${context.namespace}`;
  return (
    (host === context.name && namespace === context.namespace) ||
    host === full ||
    host === `${full}.svc` ||
    host.startsWith(`${full}.svc.`)
  );
}

/** The version that a subset stands for; the subset itself where it is none of a version. */
export const versionOf = (subset: string, context: Context): string =>
  context.versions.find((v) => v.subset !== '' && v.subset === subset)?.version ?? subset;

export const subsetOf = (version: string, context: Context): string =>
  context.versions.find((v) => v.version === version)?.subset || version;

/** The destinations of a rule, in their order. */
export function destinationsOf(route: Json, namespace: string, context: Context): Destination[] {
  const list = array(route.route);
  const subsets = new Set(['', ...context.versions.map((v) => subsetOf(v.version, context))]);
  return list.map((d, index) => {
    const { host, subset } = object(object(d).destination);
    const own = isService(text(host), namespace, context);
    const known = own && subsets.delete(text(subset));
    const weight = object(d).weight ?? (list.length === 1 ? 100 : 0);
    return { index, host: text(host), subset: text(subset), own, known, weight: Number(weight) || 0 };
  });
}

/** A destination as a person names it. */
export const nameOf = ({ host, subset }: Pick<Destination, 'host' | 'subset'>): string =>
  subset ? `${host} ${subset}` : host;

/** Parts of one as whole percents that add up to what the parts do: the largest rests are rounded up. */
export function wholePercents(parts: readonly number[]): number[] {
  const whole = parts.map((part) => Math.floor(part * 100));
  let left = Math.round(parts.reduce((n, part) => n + part, 0) * 100) - whole.reduce((n, w) => n + w, 0);
  const byRest = parts.map((part, i) => ({ i, rest: part * 100 - (whole[i] ?? 0) })).sort((a, b) => b.rest - a.rest);
  for (const { i } of byRest) {
    if (left-- > 0) {
      whole[i] = (whole[i] ?? 0) + 1;
    }
  }
  return whole;
}
