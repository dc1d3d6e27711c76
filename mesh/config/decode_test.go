package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// TestDecode reads testdata/*.txtar: file "in.yaml" (or in.json) is decoded, and
// "want" lists the objects and every finding with its place.
func TestDecode(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, want := archive.Files[0], slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			got := summary(config.Decode(in.Name, in.Data))
			if *update {
				if want < 0 {
					archive.Files = append(archive.Files, txtar.File{Name: "want"})
					want = len(archive.Files) - 1
				}
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("the case has no file \"want\"; run with -update")
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func summary(r config.Result) string {
	var b strings.Builder
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "object %s line %d\n", o.Ref, o.Origin.Line)
	}
	for _, bad := range r.Bad {
		fmt.Fprintf(&b, "bad %q line %d\n", bad.Ref, bad.Line)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s %s %d:%d %s: %s\n", p.Severity, p.Code, p.Line, p.Column, p.Path, p.Message)
	}
	return b.String()
}

// least is what a schema demands of some kinds.
var least = map[mesh.Kind]string{
	mesh.KindBackendTLSPolicy: "spec: {targetRefs: [{group: '', kind: Service, name: a}], validation: {hostname: a.example.com, wellKnownCACertificates: System}}",
	mesh.KindGRPCRoute:        "spec: {}",
	mesh.KindGatewayClass:     "spec: {controllerName: example.com/mesh}",
	mesh.KindHTTPRoute:        "spec: {}",
	mesh.KindListenerSet:      "spec: {parentRef: {name: a}, listeners: [{name: web, port: 80, protocol: HTTP}]}",
	mesh.KindReferenceGrant:   "spec: {from: [{group: '', kind: Service, namespace: a}], to: [{group: '', kind: Secret}]}",
	mesh.KindTCPRoute:         "spec: {rules: [{backendRefs: [{name: a, port: 1}]}]}",
	mesh.KindTLSRoute:         "spec: {hostnames: [a.example.com], rules: [{backendRefs: [{name: a, port: 1}]}]}",
	mesh.KindUDPRoute:         "spec: {rules: [{backendRefs: [{name: a, port: 1}]}]}",
}

func TestEveryKindDecodesAndEncodes(t *testing.T) {
	for _, info := range config.Kinds {
		for _, version := range info.Versions {
			api := version
			if info.Group != "" {
				api = info.Group + "/" + version
			}
			text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: x, labels: {a: \"1\"}}\n", api, info.Kind.Name) + least[info.Kind]
			r := config.Decode("x.yaml", []byte(text))
			for _, p := range r.Problems {
				if p.Code != mesh.CodeStructure && p.Code != mesh.CodeKubernetes && p.Code != mesh.CodeStructureWarning && p.Code != mesh.CodeUnsupported {
					t.Errorf("%s %s: %s: %s", api, info.Kind.Name, p.Path, p.Message)
				}
			}
			for _, o := range r.Objects {
				encoded, err := config.Encode(o)
				if err != nil {
					t.Errorf("%s: %v", o.Ref, err)
					continue
				}
				again := config.Decode("y.yaml", encoded)
				if len(again.Objects) != 1 || again.Objects[0].Hash != o.Hash || again.Objects[0].Ref != o.Ref {
					t.Errorf("%s became another object:\n%s%v", o.Ref, encoded, again.Problems)
				}
			}
		}
	}
}

func TestFind(t *testing.T) {
	for word, want := range map[string]mesh.Kind{
		"vs": mesh.KindVirtualService, "VirtualService": mesh.KindVirtualService, "virtualservices": mesh.KindVirtualService,
		"gateway": mesh.KindGateway, "gateways.gateway.networking.k8s.io": mesh.KindK8sGateway, "gtw": mesh.KindK8sGateway,
		"deployment": mesh.KindDeployment, "svc": mesh.KindService,
	} {
		got := config.Find(word)
		if len(got) == 0 || got[0].Kind != want {
			t.Errorf("Find(%q) = %v, want %v first", word, got, want)
		}
	}
	if got := config.Find("nonsense"); got != nil {
		t.Errorf("Find(nonsense) = %v", got)
	}
}

func TestPath(t *testing.T) {
	for _, p := range []config.Path{
		nil,
		config.Path{}.Key("spec").Key("http").Item(0).Key("match").Item(12),
		config.Path{}.Key("metadata").Key("labels").Key("app.kubernetes.io/name"),
		config.Path{}.Key("data").Key("a\"]b").Key("").Key("end-user"),
	} {
		got, err := config.ParsePath(p.String())
		if err != nil || !slices.Equal(got, p) {
			t.Errorf("ParsePath(%s) = %v, %v", p, got, err)
		}
	}
	for _, s := range []string{"a..b", "a[", "a[x]", "a[-1]", ".a", `a["b]`, "a[0]b", "a."} {
		if p, err := config.ParsePath(s); err == nil {
			t.Errorf("ParsePath(%q) = %v, want an error", s, p)
		}
	}
}
