import { content } from './content';
import { array, object } from './json';

/** Who a VirtualService is for. */
export interface Audience {
  /** True where only gateways follow it, not the sidecars of callers in the mesh. */
  readonly gateway: boolean;
  /** The hosts that requests ask for, as they are written; those with a star say none. */
  readonly hosts: readonly string[];
}

const texts = (v: unknown): string[] => array(v).filter((x) => typeof x === 'string');

export function audience(yaml: string): Audience {
  const spec = object(object(content(yaml)).spec);
  const gateways = texts(spec.gateways);
  return {
    gateway: gateways.length > 0 && !gateways.includes('mesh'),
    hosts: texts(spec.hosts).filter((host) => !host.includes('*')),
  };
}
