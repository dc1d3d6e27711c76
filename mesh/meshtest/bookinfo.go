package meshtest

import (
	"fmt"
	"strings"
)

// Bookinfo is the sample mesh that most tests stand on: productpage, details,
// reviews v1 to v3 and ratings, each with Service, Deployment, one Pod and an
// EndpointSlice in namespace default, an ingress gateway in istio-system, and a
// client without a sidecar. It holds no configuration; add your own.
//
// Pods are named <deployment>-0 with UID <deployment>-0 and an address in
// 10.66.0.0/16; services have addresses in 10.96.0.0/16.
func Bookinfo() string {
	var b strings.Builder
	b.WriteString(namespaces)
	for i, app := range []string{"productpage", "details", "reviews", "ratings"} {
		b.WriteString(ServiceYAML(app, "default", fmt.Sprintf("10.96.0.%d", 10+i), "http:9080"))
	}
	host := 10
	for _, w := range []struct{ app, version string }{
		{"productpage", "v1"}, {"details", "v1"}, {"reviews", "v1"}, {"reviews", "v2"}, {"reviews", "v3"}, {"ratings", "v1"},
	} {
		b.WriteString(PodYAML(Pod{
			App: w.app, Version: w.version, Namespace: "default", Account: "bookinfo-" + w.app,
			Address: fmt.Sprintf("10.66.0.%d", host), Port: 9080, Meshed: true,
		}))
		host++
	}
	for _, slice := range []struct {
		app       string
		endpoints []string
	}{
		{"productpage", []string{"productpage-v1"}},
		{"details", []string{"details-v1"}},
		{"reviews", []string{"reviews-v1", "reviews-v2", "reviews-v3"}},
		{"ratings", []string{"ratings-v1"}},
	} {
		addresses := map[string]string{
			"productpage-v1": "10.66.0.10", "details-v1": "10.66.0.11", "reviews-v1": "10.66.0.12",
			"reviews-v2": "10.66.0.13", "reviews-v3": "10.66.0.14", "ratings-v1": "10.66.0.15",
		}
		var eps []string
		for _, name := range slice.endpoints {
			eps = append(eps, name+"-0="+addresses[name])
		}
		b.WriteString(SliceYAML(slice.app, "default", "http:9080", eps...))
	}
	b.WriteString(gateway)
	b.WriteString(client)
	return b.String()
}

// Pod is what PodYAML writes.
type Pod struct {
	App, Version, Namespace, Account, Address string
	Port                                      int
	Meshed                                    bool
}

// PodYAML writes a Deployment named <app>-<version> and its one pod, named the
// same with "-0" behind, which is also its UID.
func PodYAML(p Pod) string {
	name := p.App + "-" + p.Version
	mode := ""
	if p.Meshed {
		mode = "\n    security.istio.io/tlsMode: istio"
	}
	return fmt.Sprintf(`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[2]s, labels: {app: %[3]s, version: %[4]s}}
spec:
  replicas: 1
  selector: {matchLabels: {app: %[3]s, version: %[4]s}}
  template:
    metadata: {labels: {app: %[3]s, version: %[4]s}}
    spec:
      serviceAccountName: %[5]s
      containers:
      - name: %[3]s
        image: sample/%[3]s
        ports: [{containerPort: %[6]d}]
---
apiVersion: v1
kind: Pod
metadata:
  name: %[1]s-0
  namespace: %[2]s
  uid: %[1]s-0
  labels:
    app: %[3]s
    version: %[4]s
    pod-template-hash: abc12%[8]s
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: %[1]s-abc12, uid: rs-%[1]s, controller: true}
spec:
  serviceAccountName: %[5]s
  nodeName: node-1
  containers:
  - name: %[3]s
    image: sample/%[3]s
    ports: [{containerPort: %[6]d}]
status:
  phase: Running
  podIP: %[7]s
  hostIP: 10.66.255.1
  conditions: [{type: Ready, status: "True"}]
`, name, p.Namespace, p.App, p.Version, p.Account, p.Port, p.Address, mode)
}

// ServiceYAML writes a Service that selects by label app. ports are
// "name:number"; a name may be empty.
func ServiceYAML(app, namespace, address string, ports ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: %[2]s, labels: {app: %[1]s}}
spec:
  clusterIP: %[3]s
  selector: {app: %[1]s}
  ports:
`, app, namespace, address)
	for _, p := range ports {
		name, number, _ := strings.Cut(p, ":")
		fmt.Fprintf(&b, "  - {name: %q, port: %s}\n", name, number)
	}
	return b.String()
}

// SliceYAML writes the EndpointSlice of a service with one port, "name:number",
// and ready endpoints "pod=address", where the pod's UID is its name.
func SliceYAML(service, namespace, port string, endpoints ...string) string {
	var b strings.Builder
	name, number, _ := strings.Cut(port, ":")
	fmt.Fprintf(&b, `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-1, namespace: %[2]s, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: %[3]q, port: %[4]s}]
endpoints:
`, service, namespace, name, number)
	for _, e := range endpoints {
		pod, address, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, `- addresses: [%s]
  conditions: {ready: true, serving: true, terminating: false}
  targetRef: {kind: Pod, name: %s, namespace: %s, uid: %s}
`, address, pod, namespace, pod)
	}
	return b.String()
}

const namespaces = `
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: istio-system}
`

const gateway = `---
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system, labels: {istio: ingressgateway}}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.2
  selector: {istio: ingressgateway}
  ports:
  - {name: http2, port: 80, targetPort: 80}
  - {name: https, port: 443, targetPort: 443}
---
apiVersion: v1
kind: Pod
metadata:
  name: istio-ingressgateway-0
  namespace: istio-system
  uid: istio-ingressgateway-0
  labels: {app: istio-ingressgateway, istio: ingressgateway}
  annotations: {inject.istio.io/templates: gateway}
  ownerReferences:
  - {apiVersion: apps/v1, kind: Deployment, name: istio-ingressgateway, uid: d-gateway, controller: true}
spec:
  serviceAccountName: istio-ingressgateway
  containers: [{name: istio-proxy, image: auto}]
status:
  phase: Running
  podIP: 10.66.0.2
  hostIP: 10.66.255.1
  conditions: [{type: Ready, status: "True"}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: istio-ingressgateway-1, namespace: istio-system, labels: {kubernetes.io/service-name: istio-ingressgateway}}
addressType: IPv4
ports:
- {name: http2, port: 80}
- {name: https, port: 443}
endpoints:
- addresses: [10.66.0.2]
  conditions: {ready: true}
  targetRef: {kind: Pod, name: istio-ingressgateway-0, namespace: istio-system, uid: istio-ingressgateway-0}
`

const client = `---
apiVersion: v1
kind: Pod
metadata:
  name: traffic-generator-0
  namespace: default
  uid: traffic-generator-0
  labels: {app: traffic-generator}
  annotations: {sidecar.istio.io/inject: "false"}
spec:
  containers: [{name: generator, image: sample/generator}]
status:
  phase: Running
  podIP: 10.66.0.20
  hostIP: 10.66.255.1
  conditions: [{type: Ready, status: "True"}]
`
