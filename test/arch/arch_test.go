// Package arch holds the rules of the house that a compiler does not know.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/heddle-mesh/heddle"

// rule forbids direct imports. From and not are import paths, those of this
// module without it; a path covers what lies below it, and "" covers everything.
type rule struct {
	from   string
	except []string // below from, where the import is at home
	not    []string
	why    string
}

// rules is the literal table of forbidden imports.
var rules = []rule{
	{
		from: "mesh", not: []string{"xds", "backend"},
		why: "the model knows neither Envoy nor HTTP, so that everything else can be a function of it",
	},
	{
		from: "xds", not: []string{"backend"},
		why: "what Envoy hears does not depend on who asks the console",
	},
	{
		from: "", except: []string{"test"}, not: []string{"test"},
		why: "tests look at the product; the product does not know them",
	},
	{
		from: "", except: []string{"xds", "test"}, not: []string{"github.com/envoyproxy/go-control-plane"},
		why: "Envoy's types stay under xds; elsewhere the mesh is spoken of in the types of mesh",
	},
	{
		from: "", except: []string{"backend", "test"}, not: []string{
			"github.com/gin-gonic/gin", "github.com/danielgtaylor/huma", "github.com/gorilla/websocket", "github.com/go-chi/jwtauth",
		},
		why: "only the backend talks HTTP with people",
	},
	{
		from: "", except: []string{"backend/local", "xds/redirect", "test"}, not: []string{
			"github.com/vishvananda/netlink", "github.com/google/nftables",
		},
		why: "changing the network of a machine is the business of the local cluster and of traffic redirection alone",
	},
	{
		from: "", except: []string{"mesh/source/kube", "test"}, not: []string{
			"k8s.io/client-go", "istio.io/client-go/pkg/clientset", "istio.io/client-go/pkg/informers", "istio.io/client-go/pkg/listers",
			"sigs.k8s.io/gateway-api/pkg", "sigs.k8s.io/controller-runtime",
		},
		why: "Kubernetes is one source among others: data types may be used everywhere, clients only where it is read",
	},
	{
		from: "", except: []string{"mesh/config", "test"}, not: []string{"k8s.io/apiextensions-apiserver"},
		why: "structural schemas are part of decoding",
	},
	{
		from: "", except: []string{"backend/traces", "test"}, not: []string{"github.com/jaegertracing/jaeger-idl"},
		why: "its types are made by gogo and panic in grpc-go's own codec; they stay behind the codec of backend/traces",
	},
	{
		from: "", except: []string{"backend/metrics/embedded", "test"}, not: []string{"github.com/prometheus/prometheus"},
		why: "metrics are read through Prometheus' client, so that the server may be the user's own",
	},
	{
		from: "mesh", not: []string{"google.golang.org/grpc", "net/http"},
		why: "the model does not go over the network",
	},
	{
		from: "", not: []string{"github.com/mattn/go-sqlite3", "C"},
		why: "the product is built without C",
	},
}

// vagueNames say nothing about what a package is for, so that everything ends
// up in it.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "base", "types", "model", "models", "misc", "shared"}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath   string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Module       *struct{ Path string }
}

// packages lists all packages of the module.
func packages(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Imports,TestImports,XTestImports,Module", "./...")
	list.Dir = "../.."
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var found []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Module != nil && p.Module.Path == module {
			found = append(found, p)
		}
	}
}

// local is an import path as rules write it.
func local(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// below reports whether a path is root or lies below it.
func below(p, root string) bool {
	return root == "" || p == root || strings.HasPrefix(p, root+"/")
}

// violations applies a rule to one import of a package.
func (r rule) violation(from, imported string) string {
	if !below(from, r.from) || slices.ContainsFunc(r.except, func(e string) bool { return below(from, e) }) {
		return ""
	}
	for _, not := range r.not {
		if below(imported, not) {
			return fmt.Sprintf("%s must not import %s: %s", from, imported, r.why)
		}
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		slices.Sort(imports)
		for _, imported := range slices.Compact(imports) {
			for _, r := range rules {
				if v := r.violation(local(p.ImportPath), local(imported)); v != "" {
					t.Error(v)
				}
			}
		}
	}
}

func TestPackageNames(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range []string{p.Name, path.Base(p.ImportPath)} {
			if slices.Contains(vagueNames, strings.TrimSuffix(name, "_test")) {
				t.Errorf("%s: %q says nothing about what the package is for; name it by the thing it is", local(p.ImportPath), name)
				break
			}
		}
	}
}

// TestRules checks the table itself: every rule must be able to fail, and
// allows what it is there to allow.
func TestRules(t *testing.T) {
	tests := []struct {
		from, imports string
		allowed       bool
	}{
		{"mesh/scope", "xds", false},
		{"mesh/scope", "backend/api", false},
		{"mesh/scope", "mesh/config", true},
		{"mesh/source/local", "net", true},
		{"mesh", "net/http", false},
		{"meshtools", "xds", true}, // another folder than mesh
		{"xds/serve", "backend/local", false},
		{"xds/serve", "mesh", true},
		{"xds/serve", "github.com/envoyproxy/go-control-plane/envoy/config/core/v3", true},
		{"backend/api", "github.com/envoyproxy/go-control-plane/envoy/config/core/v3", false},
		{"test/e2e", "github.com/envoyproxy/go-control-plane/envoy/config/core/v3", true},
		{"backend/app", "test/e2e", false},
		{"mesh/status", "github.com/gin-gonic/gin", false},
		{"backend/api", "github.com/danielgtaylor/huma/v2", true},
		{"backend/api", "github.com/vishvananda/netlink", false},
		{"backend/local/link", "github.com/vishvananda/netlink", true},
		{"xds/redirect", "github.com/google/nftables/expr", true},
		{"mesh/source/file", "k8s.io/client-go/kubernetes", false},
		{"mesh/source/kube", "k8s.io/client-go/kubernetes", true},
		{"mesh/config", "istio.io/client-go/pkg/apis/networking/v1", true},
		{"mesh/config", "sigs.k8s.io/gateway-api/apis/v1", true},
		{"backend/api", "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned", false},
		{"mesh/validate", "k8s.io/apiextensions-apiserver/pkg/apiserver/schema", false},
		{"backend/api", "github.com/jaegertracing/jaeger-idl/model/v1", false},
		{"backend/metrics", "github.com/prometheus/prometheus/promql", false},
		{"backend/metrics", "github.com/prometheus/client_golang/api", true},
		{"backend/history", "C", false},
	}
	hit := map[string]bool{}
	for _, tt := range tests {
		var got string
		for _, r := range rules {
			if v := r.violation(tt.from, tt.imports); v != "" {
				got = v
				hit[r.why] = true
			}
		}
		if (got == "") != tt.allowed {
			t.Errorf("%s imports %s: allowed %v, rules say %q", tt.from, tt.imports, tt.allowed, got)
		}
	}
	for _, r := range rules {
		if !hit[r.why] {
			t.Errorf("no case shows what this rule forbids: %s", r.why)
		}
	}
}
