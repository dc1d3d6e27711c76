package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

const manyServices = 1000

// manySnapshot is a mesh of 1,000 services with a VirtualService each, and pods
// that many deployments share evenly. No object bounds what a proxy sees; one is
// for the callers of one deployment.
func manySnapshot(t testing.TB, pods, deployments int) *mesh.Snapshot {
	t.Helper()
	var b strings.Builder
	b.WriteString("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n")
	for i := range manyServices {
		name := fmt.Sprintf("svc-%04d", i)
		b.WriteString(meshtest.ServiceYAML(name, "default", fmt.Sprintf("10.96.%d.%d", i/250, 1+i%250), "http:8080"))
		b.WriteString(routesYAML(name, 5))
		if i >= deployments {
			continue
		}
		var endpoints []string
		for k := range pods / deployments {
			address := fmt.Sprintf("10.66.%d.%d", i%250, 1+k+100*(i/250))
			text := meshtest.PodYAML(meshtest.Pod{
				App: name, Version: "v1", Namespace: "default", Account: "default", Address: address, Port: 8080, Meshed: true,
			})
			deployment, pod, _ := strings.Cut(text[len("---"):], "---")
			if k == 0 {
				b.WriteString("---" + deployment)
			}
			uid := podUID(i, k)
			b.WriteString("---" + strings.ReplaceAll(pod, name+"-v1-0", uid))
			endpoints = append(endpoints, uid+"="+address)
		}
		b.WriteString(meshtest.SliceYAML(name, "default", "http:8080", endpoints...))
	}
	b.WriteString(`---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: for-one-caller, namespace: default}
spec:
  hosts: [elsewhere.example]
  http: [{match: [{sourceLabels: {app: svc-0001}}], route: [{destination: {host: svc-0002}}]}]
`)
	return meshtest.Snapshot(t, b.String())
}

func podUID(deployment, replica int) string {
	return fmt.Sprintf("svc-%04d-v1-%d", deployment, replica)
}

// routesYAML is a VirtualService whose content differs with its timeout.
func routesYAML(name string, seconds int) string {
	return fmt.Sprintf(`---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: %[1]s, namespace: default}
spec:
  hosts: [%[1]s]
  http:
  - route: [{destination: {host: %[1]s}}]
    timeout: %[2]ds
    retries: {attempts: 2, perTryTimeout: 1s}
`, name, seconds)
}

// twoRoutesYAML is a VirtualService with a match and a rest, which have all that
// people usually write in common: time-out and retries.
func twoRoutesYAML(name string, seconds int) string {
	return fmt.Sprintf(`---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: %[1]s, namespace: default}
spec:
  hosts: [%[1]s]
  http:
  - match: [{uri: {prefix: /api}}]
    route: [{destination: {host: %[1]s}}]
    timeout: %[2]ds
    retries: {attempts: 2, perTryTimeout: 1s}
  - route: [{destination: {host: %[1]s}}]
    timeout: %[2]ds
    retries: {attempts: 2, perTryTimeout: 1s}
`, name, seconds)
}

// oneRouteChanged is a snapshot with another timeout in one VirtualService.
func oneRouteChanged(t testing.TB, snap *mesh.Snapshot, seconds int) *mesh.Snapshot {
	t.Helper()
	return snap.With(meshtest.Object(t, routesYAML("svc-0007", seconds)))
}
