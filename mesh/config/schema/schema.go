// Package schema holds what the API of Kubernetes checks in a custom resource:
// the structural schemas of the CRDs and their CEL rules.
//
// The libraries of Kubernetes decide what is wrong. This package walks an object
// along its schema and calls them only where a constraint stands, and compiles a
// rule when the first value reaches it: the whole of a large kind takes about a
// second to compile, and few objects use more than a tenth of it.
package schema

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"

	"github.com/heddle-mesh/heddle/mesh"
)

//go:generate go run ./extract crds

//go:embed all:crds
var crds embed.FS

// ErrNone says that the program was compiled without the step that collects the
// schemas.
var ErrNone = errors.New("this program was built without schemas, so it cannot tell right objects from wrong ones; build it with \"make build\"")

// Built is ErrNone when there are no schemas.
func Built() error {
	if len(files()) == 0 {
		return ErrNone
	}
	return nil
}

// files are the embedded schemas by kind and group.
var files = sync.OnceValue(func() map[string]*file {
	out := map[string]*file{}
	entries, err := fs.ReadDir(crds, "crds")
	if err != nil {
		return nil // an empty folder, which Built tells
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && !strings.HasSuffix(name, fieldsSuffix) {
			f := &file{name: "crds/" + e.Name()}
			f.versions = sync.OnceValues(f.read)
			out[name] = f
		}
	}
	return out
})

// file holds all versions of a kind.
type file struct {
	name     string
	versions func() (map[string]*Schema, error)
}

func (f *file) read() (map[string]*Schema, error) {
	data, err := crds.ReadFile(f.name)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	}
	out := make(map[string]*Schema, len(raw))
	same := map[string]*Schema{} // versions are mostly copies of one another
	for version, text := range raw {
		s := same[string(text)]
		if s == nil {
			s = &Schema{}
			s.root = sync.OnceValues(func() (*node, error) { return parse(text) })
			same[string(text)] = s
		}
		out[version] = s
	}
	return out, nil
}

// Schema is what one version of a kind demands. It may be used from several
// goroutines.
type Schema struct {
	root func() (*node, error)
}

// For finds the schema of a kind; nil when the kind has none, which is so for
// the kinds of Kubernetes itself. A version that the CRD does not hold any more
// is judged by the one that the caller prefers.
func For(kind mesh.Kind, version, preferred string) (*Schema, error) {
	f := files()[strings.ToLower(kind.Name)+"."+kind.Group]
	if f == nil {
		return nil, nil
	}
	versions, err := f.versions()
	if err != nil {
		return nil, err
	}
	if s := versions[version]; s != nil {
		return s, nil
	}
	return versions[preferred], nil
}

// parse reads a schema and keeps of it what constrains values.
func parse(text []byte) (*node, error) {
	var props apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(text, &props); err != nil {
		return nil, err
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&props, &internal, nil); err != nil {
		return nil, err
	}
	s, err := schema.NewStructural(&internal)
	if err != nil {
		return nil, err
	}
	root := newNode(s)
	if root == nil {
		root = &node{}
	}
	if hasDefaults(s) {
		root.defaults = func(tree any) { defaulting.Default(tree, s) }
	}
	return root, nil
}

func hasDefaults(s *schema.Structural) bool {
	if s == nil {
		return false
	}
	if s.Default.Object != nil || hasDefaults(s.Items) {
		return true
	}
	if s.AdditionalProperties != nil && hasDefaults(s.AdditionalProperties.Structural) {
		return true
	}
	for _, p := range s.Properties {
		if hasDefaults(&p) {
			return true
		}
	}
	return false
}
