/**
 * Addresses of single things, for links from one feature to a page of another. Names are
 * escaped; the namespace of what has none is "_", as in the API.
 */
interface Named {
  readonly namespace?: string | undefined;
  readonly name: string;
}

interface Kinded extends Named {
  readonly kind: string;
}

const part = encodeURIComponent;

export const serviceAddress = ({ namespace, name }: Named): string =>
  `/services/${part(namespace || '_')}/${part(name)}`;
export const workloadAddress = ({ namespace, name }: Named): string =>
  `/workloads/${part(namespace || '_')}/${part(name)}`;
export const ruleAddress = ({ kind, namespace, name }: Kinded): string =>
  `/rules/${part(kind)}/${part(namespace || '_')}/${part(name)}`;
export const proxyAddress = (id: string): string => `/proxies/${part(id)}`;
export const traceAddress = (id: string): string => `/traces/${part(id)}`;
export const changeAddress = (id: string): string => `/changes/${part(id)}`;
