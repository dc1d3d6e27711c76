import type { HistoryChange } from '../../api/generated/types.gen';
import { moved } from '../../ui/change-words';

/** The shares that a change asked for. */
export interface Asked {
  /** Whose traffic it divides: "namespace/name". */
  readonly service: string;
  /** The route that it moved, as the slider names it; empty where its record does not say. */
  readonly candidate: string;
  /** The destination that got more, in percent before and since. */
  readonly more: { readonly label: string; readonly from: number; readonly to: number };
}

/** What a change asked of the shares of versions; undefined for any other change. */
export function askedOf({ summary, services }: Pick<HistoryChange, 'summary' | 'services'>): Asked | undefined {
  const service = services?.[0];
  const more = summary.code === 'weights' ? moved(summary.params)[0] : undefined;
  if (!service || !more) {
    return undefined;
  }
  const { namespace = '', name = '', route } = summary.params;
  return { service, more, candidate: route === undefined ? '' : `${namespace}/${name}/http[${route}]` };
}

/**
 * The version that a destination stands for. A subset may be called otherwise than its version:
 * then it is the one version of which the same share is asked.
 */
export function versionOf(
  { label, to }: Pick<Asked['more'], 'label' | 'to'>,
  shares: Readonly<Record<string, number>>,
): string | undefined {
  if (label in shares) {
    return label;
  }
  const same = Object.keys(shares).filter((version) => shares[version] === to);
  return same.length === 1 ? same[0] : undefined;
}
