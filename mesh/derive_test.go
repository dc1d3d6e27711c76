package mesh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// describe writes a service and its endpoints in a line each.
func describe(s *mesh.Snapshot, host string) string {
	svc, ok := s.Services.Get(host)
	if !ok {
		return "no such service"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v headless=%v external=%v resolution=%q from=%v\n", svc.Addresses, svc.Headless, svc.External, svc.Resolution, svc.From)
	for _, p := range svc.Ports {
		fmt.Fprintf(&b, "port %s %d->%d%s %s\n", p.Name, p.Number, p.TargetPort, p.TargetName, p.Protocol)
		list, _ := s.Endpoints.Get(mesh.EndpointKey{Host: host, Port: p.Number})
		for _, e := range list.Endpoints {
			name := e.Hostname
			if e.Address.IsValid() {
				name = e.Address.String()
			}
			fmt.Fprintf(&b, "  %s:%d health=%d weight=%d meshed=%v zone=%s account=%s\n",
				name, e.Port, e.Health, e.Weight, e.Meshed, e.Locality.Zone, e.Workload.ServiceAccount)
		}
	}
	return b.String()
}

func TestDerivedServices(t *testing.T) {
	s := meshtest.Seal(t, meshtest.Snapshot(t, `
apiVersion: v1
kind: Service
metadata: {name: headless}
spec:
  clusterIP: None
  selector: {app: a}
  ports:
  - {name: grpc, port: 80, targetPort: web}
  - {name: dns, port: 53, protocol: UDP}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: one, labels: {kubernetes.io/service-name: headless}}
addressType: IPv4
ports: [{name: grpc, port: 8080}, {name: dns, port: 5353, protocol: UDP}]
endpoints:
- {addresses: [10.0.0.1], zone: z1, conditions: {ready: true}}
- {addresses: [10.0.0.2], conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.0.0.3], conditions: {ready: false, serving: false}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: two, labels: {kubernetes.io/service-name: headless}}
addressType: IPv4
ports: [{name: grpc, port: 8080}]
endpoints:
- {addresses: [10.0.0.3]}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: example.com, ports: [{name: https, port: 443}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: static}
spec:
  hosts: [Db.example.com]
  addresses: [192.0.2.10, 192.0.2.16/32, 198.51.100.0/24]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 3306, name: db}, {number: 80, name: web, protocol: HTTP, targetPort: 8080}]
  endpoints:
  - {address: 192.0.2.1, weight: 5, ports: {web: 9090}, locality: r/z/s, serviceAccount: db, labels: {security.istio.io/tlsMode: istio}}
  - {address: 192.0.2.2}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: names}
spec:
  hosts: [api.example.com]
  resolution: DNS
  ports: [{number: 443, name: tls, protocol: TLS}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: passthrough}
spec:
  hosts: ["*.example.org"]
  ports: [{number: 443, name: tls, protocol: TLS}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: more}
spec:
  hosts: [headless.default.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: grpc, protocol: GRPC}, {number: 81, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: vm}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm}
spec: {address: 10.9.0.1, labels: {app: vm}}
`))
	for host, want := range map[string]string{
		"headless.default.svc.cluster.local": `[] headless=true external=false resolution="" from=[Service default/headless ServiceEntry default/more]
port dns 53->53 UDP
  10.0.0.1:5353 health=0 weight=0 meshed=false zone=z1 account=
  10.0.0.2:5353 health=1 weight=0 meshed=false zone= account=
  10.0.0.3:5353 health=2 weight=0 meshed=false zone= account=
port grpc 80->0web GRPC
  10.0.0.1:8080 health=0 weight=0 meshed=false zone=z1 account=
  10.0.0.2:8080 health=1 weight=0 meshed=false zone= account=
  10.0.0.3:8080 health=0 weight=0 meshed=false zone= account=
  10.9.0.1:80 health=0 weight=0 meshed=false zone= account=
port http 81->81 HTTP
  10.9.0.1:81 health=0 weight=0 meshed=false zone= account=
`,
		"alias.default.svc.cluster.local": `[] headless=false external=true resolution="DNS" from=[Service default/alias]
port https 443->443 TLS
  example.com:443 health=0 weight=0 meshed=false zone= account=
`,
		"db.example.com": `[192.0.2.10 192.0.2.16] headless=false external=false resolution="" from=[ServiceEntry default/static]
port web 80->8080 HTTP
  192.0.2.1:9090 health=0 weight=5 meshed=true zone=z account=db
  192.0.2.2:8080 health=0 weight=0 meshed=false zone= account=
port db 3306->3306 TCP
  192.0.2.1:3306 health=0 weight=5 meshed=true zone=z account=db
  192.0.2.2:3306 health=0 weight=0 meshed=false zone= account=
`,
		"api.example.com": `[] headless=false external=true resolution="DNS" from=[ServiceEntry default/names]
port tls 443->443 TLS
  api.example.com:443 health=0 weight=0 meshed=false zone= account=
`,
		"*.example.org": `[] headless=false external=true resolution="NONE" from=[ServiceEntry default/passthrough]
port tls 443->443 TLS
`,
	} {
		if diff := cmp.Diff(want, describe(s, host)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", host, diff)
		}
	}
}
