package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// specs are what objects of each kind say, at the least that can be read.
var specs = map[mesh.Kind]string{
	mesh.KindNamespace:             "",
	mesh.KindConfigMap:             "data: {a: b}",
	mesh.KindPod:                   "spec: {containers: [{name: app, image: app}]}",
	mesh.KindSecret:                "stringData: {a: b}",
	mesh.KindService:               "spec: {selector: {app: a}, ports: [{name: http, port: 80}]}",
	mesh.KindDeployment:            "spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: app, image: app}]}}}",
	mesh.KindEndpointSlice:         "addressType: IPv4\nendpoints: []",
	mesh.KindTrafficExtension:      "spec: {wasm: {url: file:///filter.wasm}}",
	mesh.KindWasmPlugin:            "spec: {url: file:///filter.wasm}",
	mesh.KindBackendTLSPolicy:      "spec: {targetRefs: [{group: '', kind: Service, name: reviews}], validation: {hostname: a.example.com, wellKnownCACertificates: System}}",
	mesh.KindGRPCRoute:             "spec: {parentRefs: [{name: gate}]}",
	mesh.KindK8sGateway:            "spec: {gatewayClassName: heddle, listeners: [{name: http, port: 80, protocol: HTTP}]}",
	mesh.KindGatewayClass:          "spec: {controllerName: example.com/gate}",
	mesh.KindHTTPRoute:             "spec: {parentRefs: [{name: gate}]}",
	mesh.KindListenerSet:           "spec: {parentRef: {name: gate}, listeners: [{name: http, port: 80, protocol: HTTP}]}",
	mesh.KindReferenceGrant:        "spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}], to: [{group: '', kind: Service}]}",
	mesh.KindTCPRoute:              "spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: reviews, port: 9080}]}]}",
	mesh.KindTLSRoute:              "spec: {parentRefs: [{name: gate}], hostnames: [a.example.com], rules: [{backendRefs: [{name: reviews, port: 9080}]}]}",
	mesh.KindUDPRoute:              "spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: reviews, port: 9080}]}]}",
	mesh.KindDestinationRule:       "spec: {host: reviews}",
	mesh.KindEnvoyFilter:           "spec: {configPatches: []}",
	mesh.KindGateway:               "spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}",
	mesh.KindProxyConfig:           "spec: {concurrency: 1}",
	mesh.KindServiceEntry:          "spec: {hosts: [a.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}",
	mesh.KindVirtualService:        "spec: {hosts: [a.example.com], http: [{route: [{destination: {host: reviews}}]}]}",
	mesh.KindSidecar:               "spec: {egress: [{hosts: ['./*']}]}",
	mesh.KindWorkloadEntry:         "spec: {address: 10.1.1.1}",
	mesh.KindWorkloadGroup:         "spec: {template: {serviceAccount: a}}",
	mesh.KindAuthorizationPolicy:   "spec: {action: ALLOW}",
	mesh.KindPeerAuthentication:    "spec: {mtls: {mode: STRICT}}",
	mesh.KindRequestAuthentication: "spec: {selector: {matchLabels: {app: a}}}",
	mesh.KindTelemetry:             "spec: {tracing: [{randomSamplingPercentage: 1}]}",
}

// documentOf is an object of a kind.
func documentOf(k config.KindInfo, name string) (mesh.Ref, string) {
	ref := mesh.Ref{Kind: k.Kind, Namespace: "default", Name: name}
	in := ", namespace: default"
	if !k.Namespaced {
		ref.Namespace, in = "", ""
	}
	version := k.Versions[0]
	if k.Group != "" {
		version = k.Group + "/" + version
	}
	return ref, fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s%s}\n%s\n", version, k.Name, name, in, specs[k.Kind])
}

// everybody is every role, with the owner's.
func everybody() []auth.Role { return append(auth.Roles(), auth.OwnerRole) }

// tried is a Mesh that everything can be tried out against.
type tried struct{ weighed }

func (m tried) Check(context.Context, []*mesh.Object, []mesh.Ref) ([]mesh.Finding, error) {
	return nil, nil
}
func (m tried) Evidence() validate.Evidence { return validate.Evidence{} }
func (m tried) Findings() []mesh.Finding    { return nil }

// Whoever may look may try out what configures the mesh, whichever way; what runs
// programs on the machine or holds their secrets is tried out by the owner alone,
// also beside something that others may.
func TestEveryKindTriedOutByEveryRole(t *testing.T) {
	f := newFaces(tried{weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}})
	ways := []struct {
		name, path string
		needs      Capability // of the route
		body       func(list []preview.Entry) any
	}{
		{"preview", "/api/v1/preview", View, func(l []preview.Entry) any { return map[string]any{"entries": l} }},
		{"envoy's diff", "/api/v1/preview/envoy", View, func(l []preview.Entry) any { return map[string]any{"entries": l, "group": "g"} }},
		{"try", "/api/v1/try", View, func(l []preview.Entry) any {
			return map[string]any{"method": "GET", "url": "reviews:9080/", "from": "productpage-v1", "entries": l}
		}},
		{"check", "/api/v1/check", View, func(l []preview.Entry) any {
			return map[string]any{"live": true, "manifests": []Manifest{{File: "a.yaml", Text: textsOf(l)}}}
		}},
		{"fixes", "/api/v1/fixes", View, func(l []preview.Entry) any {
			return map[string]any{"live": true, "code": "HDL0000", "ref": l[0].Ref, "manifests": []Manifest{{File: "a.yaml", Text: textsOf(l)}}}
		}},
		{"dry run", "/api/v1/config", EditTraffic, func(l []preview.Entry) any {
			return map[string]any{"dryRun": true, "manifests": []Manifest{{File: "a.yaml", Text: textsOf(l)}}}
		}},
	}
	for _, k := range config.Kinds {
		ref, text := documentOf(k, "tried-out")
		for _, beside := range []bool{false, true} {
			entries := []preview.Entry{{Ref: ref, YAML: text}}
			if beside {
				entries = append([]preview.Entry{newRoutes}, entries...)
			}
			for _, role := range everybody() {
				for _, way := range ways {
					want := http.StatusOK
					if !role.Can(way.needs) || auth.ToWrite(k.Kind) == auth.Owner && role != auth.OwnerRole {
						want = http.StatusForbidden
					}
					var said struct{ Code, Detail string }
					got := f.ask(t, role, http.MethodPost, way.path, way.body(entries), &said)
					if got != want {
						t.Errorf("%s of %s as %s, beside another %v: %d, want %d: %+v", way.name, ref, role, beside, got, want, said)
					}
					if want == http.StatusForbidden && role.Can(way.needs) && !strings.Contains(said.Detail, ref.String()) {
						t.Errorf("%s of %s as %s says %+v", way.name, ref, role, said)
					}
				}
			}
		}
	}
}

// Manifests that nobody writes are looked at by themselves, whoever asks.
func TestManifestsAloneAreForEverybody(t *testing.T) {
	f := newFaces(tried{weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}})
	for _, k := range config.Kinds {
		_, text := documentOf(k, "tried-out")
		body := map[string]any{"manifests": []Manifest{{File: "a.yaml", Text: text}}}
		if got := f.ask(t, auth.Viewer, http.MethodPost, "/api/v1/check", body, nil); got != http.StatusOK {
			t.Errorf("%s: %d", k.Name, got)
		}
	}
}

// textsOf is a file of the documents of entries.
func textsOf(list []preview.Entry) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.YAML
	}
	return strings.Join(texts, "---\n")
}

// Every kind is written and taken back by who may, and by nobody else.
func TestEveryKindWrittenByEveryRole(t *testing.T) {
	d := newDesk(t)
	for _, k := range config.Kinds {
		for len(d.told) > 0 {
			<-d.told
		}
		standing, text := documentOf(k, "standing")
		set := entries(map[string]any{"ref": standing, "yaml": text})
		set["force"] = true
		change := d.put(owner, http.StatusOK, set).Change.ID
		for _, role := range everybody() {
			who := auth.Session{User: "somebody", Role: role, Via: auth.Console}
			may := role.Can(auth.ToWrite(k.Kind))
			if want := role == auth.OwnerRole || map[Capability]bool{
				EditTraffic: role == auth.Operator || role == auth.AdminRole,
				Admin:       role == auth.AdminRole,
			}[auth.ToWrite(k.Kind)]; may != want {
				t.Errorf("%s writes %s: %v", role, k.Name, may)
			}
			status := func(good int) int {
				if !may {
					return http.StatusForbidden
				}
				return good
			}
			ref, text := documentOf(k, "of-somebody")
			set := entries(map[string]any{"ref": ref, "yaml": text})
			set["force"] = true
			var said answer
			if got := d.ask(who, http.MethodPut, "/api/v1/changes", set, &said); got != status(http.StatusOK) {
				t.Errorf("%s writes %s: %d, want %d: %+v", role, ref, got, status(http.StatusOK), said)
			}
			if there := d.etag(ref) != ""; there != may {
				t.Errorf("after %s wrote %s it is there: %v", role, ref, there)
			}
			id, want := change, status(http.StatusOK)
			if said.Change != nil {
				id = said.Change.ID
			}
			if k.Kind == mesh.KindSecret && role.Can(EditTraffic) {
				want = http.StatusConflict // nobody can
			}
			if got := d.ask(who, http.MethodPost, "/api/v1/changes/"+id+"/undo", map[string]any{"force": true}, nil); got != want {
				t.Errorf("%s takes %s back: %d, want %d", role, ref, got, want)
			}
			if there := d.etag(ref) != ""; there != (may && want != http.StatusOK) {
				t.Errorf("after %s took %s back it is there: %v", role, ref, there)
			}
			if d.etag(standing) == "" {
				t.Errorf("%s took %s back", role, standing)
			}
		}
	}
}

// What is told live is told to whoever may look, and to nobody else.
func TestEveryTopicToldToEveryRole(t *testing.T) {
	for _, role := range append(everybody(), "", "somebody") {
		may := callerOf(auth.Session{User: "somebody", Role: role}).May
		for _, topic := range append(Topics(), Topic{Name: "forgotten"}) {
			want := topic.Needs == View && slices.Contains(everybody(), role)
			if got := may(topic.Name); got != want {
				t.Errorf("%q is told of %s: %v", role, topic.Name, got)
			}
		}
	}
}

// What is of no kind nobody tries out: whoever may check is told what is wrong
// with it.
func TestWhatCannotBeReadIsCheckedByAnybody(t *testing.T) {
	f := newFaces(tried{weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}})
	for _, text := range []string{"a: [", "hello\n", "{apiVersion: v1, kind: Sec", "kind: VirtualService\nmetadata: {name: a}\n"} {
		for _, role := range everybody() {
			var said answer
			body := map[string]any{"live": true, "manifests": []Manifest{{File: "a.yaml", Text: text}}}
			if got := f.ask(t, role, http.MethodPost, "/api/v1/check", body, &said); got != http.StatusOK || len(said.Findings) == 0 {
				t.Errorf("%s checks %q: %d %+v, want what is wrong with it", role, text, got, said)
			}
		}
	}
}
