import { parseDocument } from 'yaml';

/** Who a VirtualService is for. */
export interface Audience {
  /** True where only gateways follow it, not the sidecars of callers in the mesh. */
  readonly gateway: boolean;
  /** A host that requests from outside ask for; undefined where every host will do. */
  readonly host: string | undefined;
}

const texts = (v: unknown): string[] => (Array.isArray(v) ? v.filter((x) => typeof x === 'string') : []);

export function audience(yaml: string): Audience {
  const doc = parseDocument(yaml);
  const read = doc.errors.length > 0 ? null : (doc.toJS() as { spec?: { hosts?: unknown; gateways?: unknown } } | null);
  const gateways = texts(read?.spec?.gateways);
  return {
    gateway: gateways.length > 0 && !gateways.includes('mesh'),
    host: texts(read?.spec?.hosts).find((host) => !host.includes('*')),
  };
}
