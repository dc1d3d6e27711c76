package translate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

const reviewsHost = "reviews.default.svc.cluster.local"

// declared wraps a VirtualService for reviews that decoding need not accept.
func declared(t testing.TB, name, specJSON string) *mesh.Object {
	t.Helper()
	spec := &networking.VirtualService{}
	if err := protojson.Unmarshal([]byte(specJSON), spec); err != nil {
		t.Fatalf("%s: %v", specJSON, err)
	}
	return virtualServiceObject(name, spec)
}

func virtualServiceObject(name string, spec *networking.VirtualService) *mesh.Object {
	return &mesh.Object{
		Ref:  mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: name},
		Spec: spec, Hash: mesh.HashOf(name, spec.String()),
	}
}

func snapshotWith(t testing.TB, objects ...*mesh.Object) *mesh.Snapshot {
	t.Helper()
	return mesh.Build(nil, mesh.Inputs{
		Settings: mesh.DefaultSettings(),
		Objects:  append(meshtest.Objects(t, meshtest.Bookinfo()), objects...),
	})
}

func productpage(snap *mesh.Snapshot) *scope.View {
	w, _ := snap.Workloads.Get("productpage-v1-0")
	return scope.For(snap, scope.Asker{Namespace: w.Namespace, Labels: w.Labels})
}

func hostNamed(t testing.TB, hosts []hostPart, suffix string) hostPart {
	t.Helper()
	i := slices.IndexFunc(hosts, func(h hostPart) bool { return h.Suffix == suffix })
	if i < 0 {
		t.Fatalf("no host %s", suffix)
	}
	return hosts[i]
}

// What cannot be made as declared is not made at all, and the finding names
// the field.
func TestMistakesLeaveTheHostUnmade(t *testing.T) {
	const to = `"route":[{"destination":{"host":"reviews"}}]`
	for _, c := range []struct{ rule, path, code string }{
		{`{"match":[{"uri":{"regex":"("}}],` + to + `}`, "spec.http[0].match[0].uri.regex", mesh.CodeTranslate},
		{`{"match":[{},{"headers":{"x":{"regex":"["}}}],` + to + `}`, "", ""}, // never reached: the first takes everything
		{`{"match":[{"headers":{"x":{"regex":"["}}}],` + to + `}`, "spec.http[0].match[0].headers[x].regex", mesh.CodeTranslate},
		{`{"match":[{"headers":{"@request.auth.claims.sub":{"exact":"a"}}}],` + to + `}`, "spec.http[0].match[0].headers[@request.auth.claims.sub]", mesh.CodeUnsupported},
		{`{"match":[{"queryParams":{"q":{"regex":""}}}],` + to + `}`, "spec.http[0].match[0].queryParams[q].regex", mesh.CodeTranslate},
		{`{}`, "spec.http[0]", mesh.CodeTranslate},
		{`{"delegate":{"name":"other"}}`, "spec.http[0].delegate", mesh.CodeUnsupported},
		{`{"timeout":"0.0001s",` + to + `}`, "spec.http[0].timeout", mesh.CodeTranslate},
		{`{"timeout":"-1s",` + to + `}`, "spec.http[0].timeout", mesh.CodeTranslate},
		{`{"timeout":"300000000000s",` + to + `}`, "spec.http[0].timeout", mesh.CodeTranslate},
		{`{"retries":{"attempts":-1},` + to + `}`, "spec.http[0].retries.attempts", mesh.CodeTranslate},
		{`{"retries":{"attempts":1,"perTryTimeout":"-1s"},` + to + `}`, "spec.http[0].retries.perTryTimeout", mesh.CodeTranslate},
		{`{"retries":{"attempts":1,"backoff":"0s"},` + to + `}`, "spec.http[0].retries.backoff", mesh.CodeTranslate},
		{`{"fault":{},` + to + `}`, "spec.http[0].fault", mesh.CodeTranslate},
		{`{"fault":{"delay":{"percentage":{"value":1}}},` + to + `}`, "spec.http[0].fault.delay", mesh.CodeUnsupported},
		{`{"fault":{"delay":{"fixedDelay":"1s","percentage":{"value":101}}},` + to + `}`, "spec.http[0].fault.delay.percentage", mesh.CodeTranslate},
		{`{"fault":{"abort":{"httpStatus":99,"percentage":{"value":1}}},` + to + `}`, "spec.http[0].fault.abort.httpStatus", mesh.CodeTranslate},
		{`{"fault":{"abort":{"grpcStatus":"NO","percentage":{"value":1}}},` + to + `}`, "spec.http[0].fault.abort.grpcStatus", mesh.CodeTranslate},
		{`{"fault":{"abort":{"http2Error":"x"}},` + to + `}`, "spec.http[0].fault.abort", mesh.CodeUnsupported},
		{`{"rewrite":{"uri":"/","uriRegexRewrite":{"match":"a","rewrite":"b"}},` + to + `}`, "spec.http[0].rewrite.uriRegexRewrite", mesh.CodeTranslate},
		{`{"rewrite":{"uriRegexRewrite":{"match":"(","rewrite":"b"}},` + to + `}`, "spec.http[0].rewrite.uriRegexRewrite.match", mesh.CodeTranslate},
		{`{"rewrite":{"uriRegexRewrite":{"match":"(a)","rewrite":"\\2"}},` + to + `}`, "spec.http[0].rewrite.uriRegexRewrite.rewrite", mesh.CodeTranslate},
		{`{"rewrite":{"uriRegexRewrite":{"match":"(a)","rewrite":"x\\"}},` + to + `}`, "spec.http[0].rewrite.uriRegexRewrite.rewrite", mesh.CodeTranslate},
		{`{"rewrite":{"uriRegexRewrite":{"match":"(a)","rewrite":"\\n"}},` + to + `}`, "spec.http[0].rewrite.uriRegexRewrite.rewrite", mesh.CodeTranslate},
		{`{"redirect":{"redirectCode":304}}`, "spec.http[0].redirect.redirectCode", mesh.CodeTranslate},
		{`{"redirect":{"uri":"/a","prefixRewrite":"/b"}}`, "spec.http[0].redirect.prefixRewrite", mesh.CodeTranslate},
		{`{"directResponse":{"status":600}}`, "spec.http[0].directResponse.status", mesh.CodeTranslate},
		{`{"directResponse":{"status":200,"body":{"string":"` + strings.Repeat("x", 1<<20+1) + `"}}}`, "spec.http[0].directResponse.body", mesh.CodeTranslate},
		{`{"headers":{"request":{"set":{":path":"/"}}},` + to + `}`, "spec.http[0].headers.request.set[:path]", mesh.CodeTranslate},
		{`{"headers":{"request":{"remove":["Host"]}},` + to + `}`, "spec.http[0].headers.request.remove", mesh.CodeTranslate},
		{`{"headers":{"response":{"add":{"x":"100%"}}},` + to + `}`, "spec.http[0].headers.response.add[x]", mesh.CodeTranslate},
		{`{"mirror":{"host":"reviews"},"mirrorPercentage":{"value":-1},` + to + `}`, "spec.http[0].mirrorPercentage", mesh.CodeTranslate},
		{`{"mirrors":[{"destination":{"host":"nobody"}}],` + to + `}`, "spec.http[0].mirrors[0].destination.host", mesh.CodeUnknownHost},
		{`{"route":[{"destination":{"host":"reviews"},"weight":0},{"destination":{"host":"ratings"}}]}`, "spec.http[0].route", mesh.CodeTranslate},
		{`{"route":[{"destination":{"host":"reviews"},"weight":-1},{"destination":{"host":"ratings"},"weight":1}]}`, "spec.http[0].route[0].weight", mesh.CodeTranslate},
		{`{"route":[{"destination":{"host":"reviews"},"weight":2147483647},{"destination":{"host":"ratings"},"weight":2147483647},{"destination":{"host":"details"},"weight":2147483647}]}`, "spec.http[0].route", mesh.CodeTranslate},
		{`{"route":[{}]}`, "spec.http[0].route[0].destination.host", mesh.CodeUnknownHost},
	} {
		t.Run(c.path+c.rule[:min(len(c.rule), 60)], func(t *testing.T) {
			snap := snapshotWith(t, declared(t, "reviews", `{"hosts":["reviews"],"http":[`+c.rule+`]}`))
			vh, findings := hostNamed(t, outboundVirtualHosts(productpage(snap), snap, 9080), reviewsHost).Make("9080")
			if c.path == "" {
				if vh == nil || len(findings) > 0 {
					t.Errorf("host %v, findings %v", vh, findings)
				}
				return
			}
			if vh != nil {
				t.Errorf("the host was made: %v", vh)
			}
			if len(findings) != 1 || findings[0].Path != c.path || findings[0].Code != c.code || findings[0].Severity != mesh.Error {
				t.Errorf("findings %+v, want one %s at %s", findings, c.code, c.path)
			}
		})
	}
}

// goldenMeshes are the meshes of all cases.
func goldenMeshes(t testing.TB) map[string]*mesh.Snapshot {
	t.Helper()
	files, err := filepath.Glob("testdata/routes/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*mesh.Snapshot{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			if f.Name == "mesh.yaml" {
				all[file] = meshtest.Snapshot(t, meshtest.Bookinfo(), string(f.Data))
			}
		}
	}
	return all
}

func TestEqualHostKeysGiveEqualHosts(t *testing.T) {
	made := map[string]string{}
	shared := 0
	for file, snap := range goldenMeshes(t) {
		for w := range snap.Workloads.Values() {
			v := scope.For(snap, scope.Asker{Namespace: w.Namespace, Labels: w.Labels, Gateway: w.Gateway})
			for _, port := range []uint32{80, 9080, 9081} {
				list := outboundVirtualHosts
				if w.Gateway {
					list = gatewayVirtualHosts
				}
				for _, h := range list(v, snap, port) {
					vh, findings := h.Make("rc")
					content := findingsText(findings) + fmt.Sprint(h.Domains, h.From)
					if vh != nil {
						body, err := proto.MarshalOptions{Deterministic: true}.Marshal(vh)
						if err != nil {
							t.Fatal(err)
						}
						content += string(body)
					}
					key := h.Key.String()
					if have, ok := made[key]; ok {
						shared++
						if have != content {
							t.Errorf("%s, %s: one key, two contents:\n%s", file, h.Suffix, cmp.Diff(have, content))
						}
					}
					made[key] = content
				}
			}
		}
	}
	if shared == 0 {
		t.Error("no two proxies share a host")
	}
}

// A change reaches no host that it does not concern: what is equal is made
// once and sent to nobody.
func TestKeysChangeWithWhatTheyCover(t *testing.T) {
	vs := func(weight int) *mesh.Object {
		return declared(t, "reviews", fmt.Sprintf(`{"hosts":["reviews"],"http":[{"route":[
			{"destination":{"host":"reviews"},"weight":%d},{"destination":{"host":"ratings"},"weight":1}]}]}`, weight))
	}
	keys := func(snap *mesh.Snapshot) map[string]string {
		out := map[string]string{}
		for _, h := range outboundVirtualHosts(productpage(snap), snap, 9080) {
			out[h.Suffix] = h.Key.String()
		}
		return out
	}
	before, after := keys(snapshotWith(t, vs(1))), keys(snapshotWith(t, vs(2)))
	for suffix := range before {
		if changed := before[suffix] != after[suffix]; changed != (suffix == reviewsHost) {
			t.Errorf("%s: changed is %v", suffix, changed)
		}
	}
	if diff := cmp.Diff(before, keys(snapshotWith(t, vs(1)))); diff != "" {
		t.Errorf("the same mesh has other keys: %s", diff)
	}
	// A label that no rule asks for makes no difference; one that a rule asks
	// for does.
	snap := snapshotWith(t, declared(t, "reviews", `{"hosts":["reviews"],"http":[
		{"match":[{"sourceLabels":{"version":"v2"}}],"route":[{"destination":{"host":"ratings"}}]},{"route":[{"destination":{"host":"reviews"}}]}]}`))
	key := func(labels map[string]string) string {
		v := scope.For(snap, scope.Asker{Namespace: "default", Labels: labels})
		return hostNamed(t, outboundVirtualHosts(v, snap, 9080), reviewsHost).Key.String()
	}
	if key(nil) != key(map[string]string{"app": "x", "version": "v1"}) {
		t.Error("labels that select nothing changed the key")
	}
	if key(nil) == key(map[string]string{"version": "v2"}) {
		t.Error("a label that selects a rule did not change the key")
	}
}

// Rules that are all for others leave a service as if nobody had declared
// anything.
func TestRulesForOthersLeaveTheDefault(t *testing.T) {
	snap := snapshotWith(t, declared(t, "reviews", `{"hosts":["reviews"],"http":[
		{"match":[{"sourceNamespace":"elsewhere"}],"route":[{"destination":{"host":"ratings"}}]}]}`))
	vh, findings := hostNamed(t, outboundVirtualHosts(productpage(snap), snap, 9080), reviewsHost).Make("9080")
	if len(findings) > 0 || len(vh.GetRoutes()) != 1 || vh.GetRoutes()[0].GetName() != defaultRoute {
		t.Errorf("host %v, findings %v", vh, findings)
	}
}

func FuzzVirtualHosts(f *testing.F) {
	for _, snap := range goldenMeshes(f) {
		for _, o := range snap.Kind(mesh.KindVirtualService) {
			text, err := protojson.Marshal(o.Spec.(*networking.VirtualService))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	objects := meshtest.Objects(f, meshtest.Bookinfo(), `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews, subsets: [{name: v1}, {name: v2}, {name: v3}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bookinfo, namespace: default}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`)
	f.Fuzz(func(t *testing.T, text []byte) {
		spec := &networking.VirtualService{}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, spec); err != nil {
			return
		}
		snap := mesh.Build(nil, mesh.Inputs{
			Settings: mesh.DefaultSettings(),
			Objects:  append(slices.Clone(objects), virtualServiceObject("fuzz", spec)),
		})
		for _, who := range []struct {
			uid  string
			port uint32
		}{{"productpage-v1-0", 9080}, {"istio-ingressgateway-0", 80}} {
			w, _ := snap.Workloads.Get(who.uid)
			v := scope.For(snap, scope.Asker{Namespace: w.Namespace, Labels: w.Labels, Gateway: w.Gateway})
			list := outboundVirtualHosts
			if w.Gateway {
				list = gatewayVirtualHosts
			}
			seen := map[string]bool{}
			for _, h := range list(v, snap, who.port) {
				for _, d := range h.Domains {
					if seen[d] {
						t.Errorf("domain %s twice", d)
					}
					seen[d] = true
				}
				vh, findings := h.Make("rc")
				if vh == nil {
					if !slices.ContainsFunc(findings, func(f mesh.Finding) bool { return f.Severity == mesh.Error }) {
						t.Errorf("host %s was not made and nothing says why", h.Suffix)
					}
					continue
				}
				if _, err := xds.NewResource(xds.VirtualHostType, names.VirtualHost("rc", h.Suffix), vh, nil); err != nil {
					t.Errorf("host %s: %v", h.Suffix, err)
				}
			}
		}
	})
}
