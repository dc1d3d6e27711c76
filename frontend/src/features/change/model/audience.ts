import { parseDocument } from 'yaml';

/** Who a VirtualService is for. */
export interface Audience {
  /** True where only gateways follow it, not the sidecars of callers in the mesh. */
  readonly gateway: boolean;
  /** The hosts that requests ask for, as they are written; those with a star say none. */
  readonly hosts: readonly string[];
}

const texts = (v: unknown): string[] => (Array.isArray(v) ? v.filter((x) => typeof x === 'string') : []);

export function audience(yaml: string): Audience {
  const doc = parseDocument(yaml);
  const read = doc.errors.length > 0 ? null : (doc.toJS() as { spec?: { hosts?: unknown; gateways?: unknown } } | null);
  const gateways = texts(read?.spec?.gateways);
  return {
    gateway: gateways.length > 0 && !gateways.includes('mesh'),
    hosts: texts(read?.spec?.hosts).filter((host) => !host.includes('*')),
  };
}
