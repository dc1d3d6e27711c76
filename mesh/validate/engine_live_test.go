package validate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// objectsIn are the objects of a text, each with the version that its bytes give it.
func objectsIn(t testing.TB, text string) []*mesh.Object {
	t.Helper()
	got := config.Options{Checks: true}.Decode("test.yaml", []byte(text))
	for _, p := range got.Problems {
		if p.Severity == mesh.Error {
			t.Fatalf("%s %s: %s", p.Ref, p.Path, p.Message)
		}
	}
	return got.Objects
}

// TestEngineFollowsReadingAnew gives the engine snapshots that share no object
// with the ones before, as when a source reads everything again.
func TestEngineFollowsReadingAnew(t *testing.T) {
	shop := func(port int) string {
		return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {selector: {app: stock}, ports: [{name: http, port: %d}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec: {hosts: [stock], http: [{route: [{destination: {host: stock, port: {number: 80}}}]}]}
`, port)
	}
	engine := NewEngine(Options{})
	for _, port := range []int{80, 80, 81, 81, 80, 82} {
		in := mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, shop(port))}
		got := engine.Update(mesh.Build(nil, in))
		if diff := cmp.Diff(Run(mesh.Build(nil, in), Evidence{}, Options{}), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("port %d: from scratch and followed differ (-scratch +followed):\n%s", port, diff)
		}
	}
}

// TestEngineFollowsTheText changes nothing but how a text says it.
func TestEngineFollowsTheText(t *testing.T) {
	sidecar := func(policy string) *mesh.Snapshot {
		text := "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default}\nspec:\n  outboundTrafficPolicy: " + policy + "\n"
		return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, text)})
	}
	said := func(r Report) bool {
		return slices.ContainsFunc(r.Findings, func(f mesh.Finding) bool { return f.Code == "HDL1222" })
	}
	engine := NewEngine(Options{})
	if !said(engine.Update(sidecar("{}"))) {
		t.Error("a policy without mode: nothing is said")
	}
	if said(engine.Update(sidecar("{mode: REGISTRY_ONLY}"))) {
		t.Error("the mode was added, and it is still said to be missing")
	}
}

// TestNothingIsAddedByTakingAway takes one of three objects away that exclude
// each other: the others do so as before, and nothing is new.
func TestNothingIsAddedByTakingAway(t *testing.T) {
	var text string
	for _, name := range []string{"one", "two", "three"} {
		text += fmt.Sprintf(`---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: %[1]s}
spec: {hosts: [stock], http: [{route: [{destination: {host: stock}}]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: %[1]s}
spec: {selector: {app: door}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: %[1]s}
spec: {mtls: {mode: STRICT}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: %[1]s}
spec: {egress: [{hosts: ["./*"]}]}
`, name)
	}
	before := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, text)})
	var gone []mesh.Ref
	for r := range before.Objects.All() {
		if r.Name == "three" {
			gone = append(gone, r)
		}
	}
	was := Run(before, Evidence{}, Options{}).Findings
	for _, f := range Added(was, Run(before.Without(gone...), Evidence{}, Options{}).Findings) {
		if f.Severity == mesh.Error {
			t.Errorf("%s %s: %s", f.Code, f.Ref, f.Message)
		}
	}
	text += "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: four}\nspec: {hosts: [stok], http: [{route: [{destination: {host: stok}}]}]}\n"
	after := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, text)})
	if added := Added(was, Run(after, Evidence{}, Options{}).Findings); !slices.ContainsFunc(added, func(f mesh.Finding) bool { return f.Code == "HDL2101" && f.Ref.Name == "four" }) {
		t.Errorf("a new route to nowhere is not new: %v", added)
	}
}

// TestLocalClusterInjects: in the local cluster each pod has a proxy that does not
// refuse it, so that no label and no image is missing.
func TestLocalClusterInjects(t *testing.T) {
	objects := objectsIn(t, `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: till, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: till-1, namespace: till, labels: {app: till}}
spec: {containers: [{name: till, image: till}]}
---
apiVersion: v1
kind: Pod
metadata: {name: door-1, namespace: shop, labels: {app: door}}
spec: {containers: [{name: istio-proxy, image: auto}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stock-1, namespace: shop, labels: {app: stock}}
spec: {containers: [{name: stock, image: stock}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: stock, namespace: shop}
spec: {selector: {matchLabels: {app: stock}}, rules: [{}]}
`)
	for _, local := range []bool{false, true} {
		set := mesh.DefaultSettings()
		set.LocalGateway = local
		findings := Run(mesh.Build(nil, mesh.Inputs{Settings: set, Objects: objects}), Evidence{}, Options{}).Findings
		for _, code := range []string{"HDL2502", "HDL2821", "HDL2822", "HDL2826"} {
			if slices.ContainsFunc(findings, func(f mesh.Finding) bool { return f.Code == code }) == local {
				t.Errorf("%s, in the local cluster: %v", code, local)
			}
		}
	}
}

// TestAssumedGatewayCalls: the gateway of an installation runs as its account.
func TestAssumedGatewayCalls(t *testing.T) {
	set := mesh.DefaultSettings()
	policy := `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: stock}
spec: {rules: [{from: [{source: {principals: [cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account]}}]}]}
`
	objects := append(objectsIn(t, policy), Assumed(set)...)
	for _, f := range Run(mesh.Build(nil, mesh.Inputs{Settings: set, Objects: objects}), Evidence{}, Options{}).Findings {
		if f.Code == "HDL2506" {
			t.Errorf("false alarm: %s", f.Message)
		}
	}
}

// TestSamplesStandInTheLocalCluster looks at the samples as the local cluster has
// them: just written, and once their pods run. Nothing may refuse them.
func TestSamplesStandInTheLocalCluster(t *testing.T) {
	set := mesh.DefaultSettings()
	set.LocalGateway = true
	var written, pods []*mesh.Object
	for _, f := range folder(t, "../../deploy/samples/bookinfo") {
		written = append(written, config.Decode(f.Name, f.Data).Objects...)
	}
	for _, o := range written {
		if template := templateOf(o); template != nil {
			pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: template.Spec}
			pod.Name, pod.Namespace = o.Name+"-1", o.Namespace
			reported, err := config.Wrap(pod)
			if err != nil {
				t.Fatal(err)
			}
			pods = append(pods, reported)
		}
	}
	for name, objects := range map[string][]*mesh.Object{"written": written, "running": append(pods, written...)} {
		for _, f := range Run(mesh.Build(nil, mesh.Inputs{Settings: set, Objects: objects}), Evidence{}, Options{}).Findings {
			if f.Severity != mesh.Info {
				t.Errorf("%s: %s %s: %s", name, f.Code, f.Ref, f.Message)
			}
		}
	}
}
