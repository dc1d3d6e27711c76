import type { PreviewEntry, Service } from '../../../api/generated/types.gen';
import type { Audience } from './audience';

/** What a person asks about. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Host, with a port where it is not the usual one. */
  readonly host: string;
  /** One header a line, "name: value". */
  readonly headers: string;
  /** The pod that calls. */
  readonly from: string;
}

/** The body of a question: the same one is the same text, whenever it is asked. */
export function question({ method, path, host, headers, from }: Asked, entries: readonly PreviewEntry[]) {
  return {
    method,
    url: `http://${host.trim()}${path.startsWith('/') ? path : `/${path}`}`,
    from,
    headers: readHeaders(headers),
    entries,
  };
}

/** The headers of lines; one that is there twice has both values, as it would travel. */
export function readHeaders(lines: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of lines.split('\n')) {
    const colon = line.indexOf(':');
    const name = (colon < 0 ? line : line.slice(0, colon)).trim().toLowerCase();
    const value = colon < 0 ? '' : line.slice(colon + 1).trim();
    if (name !== '') {
      const before = found[name];
      found[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
    }
  }
  return found;
}

/**
 * Where a caller may ask for the service, the usual place first: in the mesh by its name and each
 * port that speaks HTTP, through a gateway by its public hosts and at the gateway's port.
 */
export function places(service: Pick<Service, 'host' | 'ports'>, audience: Audience, gateway: boolean): string[] {
  if (gateway) {
    return [...new Set([...audience.hosts, service.host])];
  }
  const ports = service.ports ?? [];
  const spoken = ports.filter((p) => /HTTP|GRPC/i.test(p.protocol));
  const named = (spoken.length > 0 ? spoken : ports).map((p) => `${service.host}:${p.number}`);
  const own = (host: string) => service.host === host || service.host.startsWith(`${host}.`);
  return [...(named.length > 0 ? named : [service.host]), ...audience.hosts.filter((host) => !own(host))];
}
