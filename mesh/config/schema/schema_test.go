package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	yaml "go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestBuilt(t *testing.T) {
	if err := Built(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []mesh.Kind{mesh.KindVirtualService, mesh.KindTelemetry, mesh.KindWasmPlugin, mesh.KindHTTPRoute, mesh.KindListenerSet} {
		s, err := For(kind, "v1", "v1alpha1")
		if err != nil || s == nil {
			t.Errorf("%s has no schema: %v", kind, err)
		}
	}
	if s, err := For(mesh.KindService, "v1", "v1"); s != nil || err != nil {
		t.Errorf("a kind of Kubernetes itself has a schema: %v, %v", s, err)
	}
}

// TestRulesCompile asks every rule of every schema once: what is left out of a
// schema for the rules must not be missed by one.
func TestRulesCompile(t *testing.T) {
	rules := 0
	var visit func(path string, n *node)
	visit = func(path string, n *node) {
		if n == nil {
			return
		}
		if n.rules != nil {
			rules++
			for _, v := range []any{map[string]any{}, []any{}, "", int64(1)} {
				errs, _ := n.rules().Validate(context.Background(), nil, nil, v, nil, celconfig.RuntimeCELCostBudget)
				for _, err := range errs {
					if strings.Contains(err.Detail, "compile") {
						t.Errorf("%s: %s", path, err.Detail)
					}
				}
			}
		}
		for _, f := range n.fields {
			visit(path+"."+f.name, f.node)
		}
		visit(path+"{}", n.values)
		visit(path+"[]", n.items)
	}
	for name, f := range files() {
		versions, err := f.versions()
		if err != nil {
			t.Fatal(err)
		}
		for version, s := range versions {
			root, err := s.root()
			if err != nil {
				t.Fatal(err)
			}
			visit(name+"/"+version, root)
		}
	}
	if rules < 100 {
		t.Errorf("only %d places with rules", rules)
	}
}

// whole is a schema as Kubernetes itself uses it.
type whole struct {
	plain  validation.SchemaValidator
	schema *structural.Structural
	rules  *cel.Validator
}

func newWhole(t *testing.T, kind mesh.Kind, version string) *whole {
	data, err := crds.ReadFile("crds/" + strings.ToLower(kind.Name) + "." + kind.Group + ".json")
	if err != nil {
		return nil
	}
	var versions map[string]apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(data, &versions); err != nil {
		t.Fatal(err)
	}
	props, ok := versions[version]
	if !ok {
		return nil
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&props, &internal, nil); err != nil {
		t.Fatal(err)
	}
	w := &whole{}
	if w.plain, _, err = validation.NewSchemaValidator(&internal); err != nil {
		t.Fatal(err)
	}
	if w.schema, err = structural.NewStructural(&internal); err != nil {
		t.Fatal(err)
	}
	w.rules = cel.NewValidator(w.schema, true, celconfig.PerCallLimit)
	return w
}

func (w *whole) refuses(tree map[string]any) []string {
	defaulting.Default(tree, w.schema)
	errs := validation.ValidateCustomResource(nil, tree, w.plain)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, w.schema, tree)...)
	if len(errs) == 0 {
		errs, _ = w.rules.Validate(context.Background(), nil, w.schema, tree, nil, celconfig.RuntimeCELCostBudget)
	}
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

// TestAgreesWithTheLibrary holds the walk along a schema to what the library
// says when it walks by itself.
func TestAgreesWithTheLibrary(t *testing.T) {
	names, err := filepath.Glob("../testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	made := map[string]*whole{}
	agreed := map[bool]int{}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range strings.Split(string(archive.Files[0].Data), "\n---\n") {
			var doc map[string]any
			if yaml.Unmarshal([]byte(text), &doc) != nil {
				continue
			}
			api, _ := doc["apiVersion"].(string)
			group, version, _ := strings.Cut(api, "/")
			kindName, _ := doc["kind"].(string)
			kind := mesh.Kind{Group: group, Name: kindName}
			key := kind.String() + "/" + version
			if _, have := made[key]; !have {
				made[key] = newWhole(t, kind, version)
			}
			w := made[key]
			ours, err := For(kind, version, version)
			if w == nil || err != nil || ours == nil {
				continue
			}
			want := w.refuses(treeOf(doc))
			if strings.Contains(strings.Join(want, "\n"), "must be of type") {
				continue // what the strict decoder sees to
			}
			found, err := ours.Check(treeOf(doc))
			if err != nil {
				t.Fatal(err)
			}
			if len(found) > 0 != (len(want) > 0) {
				t.Errorf("%s, document %d: we say %v, the library says %q", filepath.Base(name), i+1, found, want)
			}
			agreed[len(want) > 0]++
		}
	}
	if agreed[true] < 10 || agreed[false] < 10 {
		t.Errorf("too few cases: %v", agreed)
	}
}

// treeOf makes the tree that the library wants of decoded YAML.
func treeOf(doc map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range doc {
		if v != nil && k != "apiVersion" && k != "kind" && k != "metadata" && k != "status" {
			out[k] = plain(v)
		}
	}
	return out
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if x != nil {
				out[k] = plain(x)
			}
		}
		return out
	case map[any]any:
		out := map[string]any{}
		for k, x := range v {
			if x != nil {
				out[fmt.Sprint(k)] = plain(x)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, x := range v {
			out = append(out, plain(x))
		}
		return out
	case int:
		return int64(v)
	default:
		return v
	}
}

func TestCheckFromManyGoroutines(t *testing.T) {
	s, err := For(mesh.KindDestinationRule, "v1beta1", "v1")
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			found, err := s.Check(map[string]any{"spec": map[string]any{
				"host":          "cart",
				"trafficPolicy": map[string]any{"connectionPool": map[string]any{"tcp": map[string]any{"connectTimeout": fmt.Sprintf("%ds", i)}}},
			}})
			if err != nil || len(found) > 0 != (i == 0) {
				t.Errorf("%ds: %v, %v", i, found, err)
			}
		})
	}
	group.Wait()
}

func TestBrokenSilencesWhatHoldsIt(t *testing.T) {
	s, err := For(mesh.KindServiceEntry, "v1", "v1")
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	found, err := s.Check(map[string]any{"spec": map[string]any{
		"endpoints": []any{Broken{}, map[string]any{}},
	}})
	if err != nil || len(found) != 1 || len(found[0].Path) != 3 || found[0].Path[2].Index != 1 {
		t.Errorf("want the second endpoint alone, got %v, %v", found, err)
	}
}

func TestStepsOf(t *testing.T) {
	for text, want := range map[string][]Step{
		"":               nil,
		"<nil>":          nil,
		"a.b":            {{Key: "a"}, {Key: "b"}},
		"list[3].name":   {{Key: "list"}, {Index: 3, List: true}, {Key: "name"}},
		"ports[http]":    {{Key: "ports"}, {Key: "http"}},
		"labels['a b'].": {{Key: "labels"}, {Key: "a b"}},
	} {
		if got := stepsOf(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestKeysTellValuesApart(t *testing.T) {
	values := []any{
		nil, true, false, "", "n", "true", int64(1), float64(1), "1", "s1:a",
		[]any{},
		[]any{"a", "b"},
		[]any{"as1:b"},
		map[string]any{},
		map[string]any{"a": "b"},
		map[string]any{"as1:b": nil},
		math.Inf(1),
	}
	seen := map[string]any{}
	for _, v := range values {
		key, ok := appendKey(nil, v, nil)
		if other, twice := seen[string(key)]; twice || !ok {
			t.Errorf("%#v and %#v have one key", v, other)
		}
		seen[string(key)] = v
	}
	if _, ok := appendKey(nil, strings.Repeat("x", maxKey+1), nil); ok {
		t.Error("a large value has a key")
	}
	if _, ok := appendKey(nil, Broken{}, nil); ok {
		t.Error("a broken value has a key")
	}
}
