/** A new object of a kind, to begin with: the smallest that does something. */
const specs: Record<string, { api: string; spec: string }> = {
  VirtualService: {
    api: 'networking.istio.io/v1',
    spec: 'hosts:\n  - NAME\nhttp:\n  - route:\n      - destination:\n          host: NAME\n    timeout: 5s\n',
  },
  DestinationRule: {
    api: 'networking.istio.io/v1',
    spec: 'host: NAME\nsubsets:\n  - name: v1\n    labels:\n      version: v1\n',
  },
  ServiceEntry: {
    api: 'networking.istio.io/v1',
    spec: 'hosts:\n  - api.example.com\nlocation: MESH_EXTERNAL\nports:\n  - number: 443\n    name: tls\n    protocol: TLS\nresolution: DNS\n',
  },
  Gateway: {
    api: 'networking.istio.io/v1',
    spec: 'selector:\n  istio: ingressgateway\nservers:\n  - port:\n      number: 80\n      name: http\n      protocol: HTTP\n    hosts:\n      - "*"\n',
  },
  Sidecar: {
    api: 'networking.istio.io/v1',
    spec: 'egress:\n  - hosts:\n      - "./*"\n      - "istio-system/*"\n',
  },
  PeerAuthentication: { api: 'security.istio.io/v1', spec: 'mtls:\n  mode: STRICT\n' },
  RequestAuthentication: {
    api: 'security.istio.io/v1',
    spec: 'selector:\n  matchLabels:\n    app: NAME\njwtRules:\n  - issuer: https://issuer.example.com\n    jwksUri: https://issuer.example.com/keys\n',
  },
  AuthorizationPolicy: {
    api: 'security.istio.io/v1',
    spec: 'selector:\n  matchLabels:\n    app: NAME\naction: ALLOW\nrules:\n  - to:\n      - operation:\n          methods:\n            - GET\n',
  },
  Telemetry: {
    api: 'telemetry.istio.io/v1',
    spec: 'tracing:\n  - randomSamplingPercentage: 10\n',
  },
  EnvoyFilter: {
    api: 'networking.istio.io/v1alpha3',
    spec: 'workloadSelector:\n  labels:\n    app: NAME\nconfigPatches: []\n',
  },
  HTTPRoute: {
    api: 'gateway.networking.k8s.io/v1',
    spec: 'parentRefs:\n  - kind: Service\n    group: ""\n    name: NAME\n    port: 80\nrules:\n  - backendRefs:\n      - name: NAME\n        port: 80\n',
  },
};

/** The kinds that there are templates for. */
export const templateKinds: readonly { readonly group: string; readonly kind: string }[] = Object.entries(specs).map(
  ([kind, { api }]) => ({ group: api.split('/')[0] ?? '', kind }),
);

/** The text of a new object; undefined for a kind without template. */
export function template(kind: string, namespace: string, name: string): string | undefined {
  const found = specs[kind];
  if (!found) {
    return undefined;
  }
  const spec = found.spec.replaceAll('NAME', name).replace(/^(?=.)/gm, '  ');
  return `apiVersion: ${found.api}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\nspec:\n${spec}`;
}
