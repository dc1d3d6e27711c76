const discovery: Record<string, string> = {
  Listener: 'LDS',
  RouteConfiguration: 'RDS',
  VirtualHost: 'VHDS',
  Cluster: 'CDS',
  ClusterLoadAssignment: 'EDS',
  Secret: 'SDS',
};

/** How operators call a type of Envoy's configuration: RDS for …route.v3.RouteConfiguration. */
export function typeName(url: string): string {
  const name = url.split(/[./]/).at(-1) ?? url;
  return discovery[name] ?? name.toUpperCase();
}
