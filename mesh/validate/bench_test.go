package validate

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

// entriesWorld are so many ServiceEntries with five endpoints, VirtualServices
// and DestinationRules, over some namespaces.
func entriesWorld(t testing.TB, n, namespaces int) *mesh.Snapshot {
	return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, entriesText(n, namespaces))})
}

func entriesText(n, namespaces int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ext-%[1]d, namespace: team-%[2]d}
spec:
  hosts: [ext-%[1]d.example.com]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
`, i, i%namespaces)
		for k := range 5 {
			fmt.Fprintf(&text, "  - {address: 10.%d.%d.%d, labels: {version: v%d}}\n", 100+k, i/250, 1+i%250, 1+k%2)
		}
		text.WriteString(entryRoute(i, i%namespaces, 5))
		fmt.Fprintf(&text, `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ext-%[1]d, namespace: team-%[2]d}
spec:
  host: ext-%[1]d.example.com
  trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`, i, i%namespaces)
	}
	return text.String()
}

func entryRoute(i, namespace, seconds int) string {
	return fmt.Sprintf(`---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ext-%[1]d, namespace: team-%[2]d}
spec:
  hosts: [ext-%[1]d.example.com]
  http:
  - match: [{uri: {prefix: /v2}}]
    route: [{destination: {host: ext-%[1]d.example.com, subset: v2}}]
  - timeout: %[3]ds
    route:
    - {destination: {host: ext-%[1]d.example.com, subset: v1}, weight: 90}
    - {destination: {host: ext-%[1]d.example.com, subset: v2}, weight: 10}
`, i, namespace, seconds)
}

// clusterWorld is a cluster: so many Services with a Deployment and two Pods, and
// with the objects of the mesh that people write for them, in some namespaces.
func clusterWorld(t testing.TB, n, namespaces int) *mesh.Snapshot {
	var objects []*mesh.Object
	var text strings.Builder
	text.WriteString(`---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    accessLogFile: /dev/stdout
    defaultConfig: {discoveryAddress: istiod:15012, proxyMetadata: {A: b}}
    extensionProviders:
    - {name: otel, opentelemetry: {service: otel.istio-system.svc.cluster.local, port: 4317}}
    trustDomain: cluster.local
`)
	for i := range namespaces {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: team-%d, labels: {istio-injection: enabled}}\n", i)
	}
	for i := range n {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: Service
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec: {selector: {app: svc-%[1]d}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec:
  selector: {matchLabels: {app: svc-%[1]d}}
  template:
    metadata: {labels: {app: svc-%[1]d, version: v1, team: platform}}
    spec: {serviceAccountName: svc-%[1]d, containers: [{name: app, image: app, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec:
  hosts: [svc-%[1]d]
  http: [{timeout: 3s, route: [{destination: {host: svc-%[1]d, subset: v1}}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec: {host: svc-%[1]d, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec:
  selector: {matchLabels: {app: svc-%[1]d}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/team-%[2]d/sa/svc-%[1]d], namespaces: [team-%[2]d]}}]
    to: [{operation: {methods: [GET], hosts: [svc-%[1]d]}}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec: {selector: {matchLabels: {app: svc-%[1]d}}, tracing: [{providers: [{name: otel}], randomSamplingPercentage: 5}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec: {workloadSelector: {labels: {app: svc-%[1]d}}, egress: [{hosts: ["./*"]}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: svc-%[1]d, namespace: team-%[2]d}
spec: {selector: {matchLabels: {app: svc-%[1]d}}, mtls: {mode: STRICT}}
`, i, i%namespaces)
		for k := range 2 {
			text.WriteString(clusterPod(i, i%namespaces, k, "a"))
		}
		objects = append(objects, objectsIn(t, text.String())...)
		text.Reset()
	}
	return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
}

func clusterPod(i, namespace, replica int, image string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Pod
metadata: {name: svc-%[1]d-%[3]d, namespace: team-%[2]d, labels: {app: svc-%[1]d, version: v1, team: platform}, annotations: {sidecar.istio.io/status: "{}"}}
spec: {serviceAccountName: svc-%[1]d, containers: [{name: app, image: %[4]s, ports: [{containerPort: 8080}]}, {name: istio-proxy, image: proxy}]}
`, i, namespace, replica, image)
}

// BenchmarkRun does all checks on 3,000 objects and more.
func BenchmarkRun(b *testing.B) {
	for name, s := range map[string]*mesh.Snapshot{
		"entries":   entriesWorld(b, 1000, 50),
		"namespace": entriesWorld(b, 1000, 1),
		"cluster":   clusterWorld(b, 300, 10),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Run(s, Evidence{}, Options{})
			}
			b.ReportMetric(float64(s.Objects.Len()), "objects")
		})
	}
}

// BenchmarkUpdate follows the change of one object among them.
func BenchmarkUpdate(b *testing.B) {
	for name, w := range map[string]struct {
		s      *mesh.Snapshot
		change func(i int) string
	}{
		"entries":   {entriesWorld(b, 1000, 50), func(i int) string { return entryRoute(500, 0, 6+i%50) }},
		"namespace": {entriesWorld(b, 1000, 1), func(i int) string { return entryRoute(500, 0, 6+i%50) }},
		"cluster":   {clusterWorld(b, 300, 10), func(i int) string { return clusterPod(150, 0, 0, fmt.Sprint("a", i%50)) }},
	} {
		b.Run(name, func(b *testing.B) {
			before := heap()
			engine := NewEngine(Options{})
			engine.Update(w.s)
			size := heap() - before
			s, i := w.s, 0
			for b.Loop() {
				b.StopTimer()
				i++
				s = s.With(objectsIn(b, w.change(i))...)
				b.StartTimer()
				engine.Update(s)
			}
			b.ReportMetric(float64(engine.Ran()), "units")
			b.ReportMetric(float64(size)/(1<<20), "MB")
		})
	}
}

// heap is how much of it is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestEngineKeepsItsSize makes many changes and holds that nothing grows.
func TestEngineKeepsItsSize(t *testing.T) {
	s := entriesWorld(t, 20, 2)
	engine := NewEngine(Options{})
	engine.Update(s)
	var changes []*mesh.Object
	for i := range 100 {
		changes = append(changes, objectsIn(t, entryRoute(i%20, i%20%2, 6+i))...)
	}
	was, readers, units := heap(), len(engine.readers), engine.size()
	for i := range 10_000 {
		s = s.With(changes[i%len(changes)])
		engine.Update(s)
	}
	if n := len(engine.readers); n != readers {
		t.Errorf("%d look-ups are known, first it was %d", n, readers)
	}
	if n := engine.size(); n != units {
		t.Errorf("%d units are known, first it was %d", n, units)
	}
	if is := heap(); is > was+(1<<20) {
		t.Errorf("%d KB are in use, first it was %d KB", is>>10, was>>10)
	}
}

func (e *Engine) size() int {
	n := 0
	for _, units := range e.units {
		n += len(units)
	}
	return n
}
