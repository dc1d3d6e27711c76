// Command extract writes the schemas of the CRDs of the pinned modules into a
// folder: KIND.GROUP.json with what decides whether an object is right, in all
// versions and without the descriptions, which are most of them; and
// KIND.GROUP.fields.json with what people want to know of the fields of the newest
// version. "go generate" calls it; the program embeds what it writes.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/version"
)

// modules says where the CRDs are. A kind that several files hold is taken from
// the first one.
var modules = []struct {
	path  string
	files []string // patterns inside the module
}{
	{"istio.io/api", []string{"kubernetes/customresourcedefinitions.gen.yaml"}},
	{"sigs.k8s.io/gateway-api", []string{"config/crd/experimental/gateway.networking.k8s.io_*.yaml"}},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: extract FOLDER")
		os.Exit(2)
	}
	if err := extract(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "extract schemas:", err)
		os.Exit(1)
	}
}

func extract(folder string) error {
	found := map[string][]byte{}
	for _, m := range modules {
		dir, err := moduleDir(m.path)
		if err != nil {
			return err
		}
		for _, pattern := range m.files {
			names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return fmt.Errorf("module %s has no %s", m.path, pattern)
			}
			for _, name := range names {
				if err := readCRDs(name, found); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if _, keep := found[filepath.Base(name)]; !keep {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if err := replace(filepath.Join(folder, name), found[name]); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file in one step, so that a build that runs meanwhile never
// embeds half of it, and only when it differs, so that nothing is compiled anew.
func replace(name string, data []byte) error {
	if have, err := os.ReadFile(name); err == nil && bytes.Equal(have, data) {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

// moduleDir is where the module cache holds a module, which is downloaded if
// need be.
func moduleDir(path string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "mod", "download", "-json", path)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find module %s: %w: %s", path, err, stderr.String())
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("find module %s: %w", path, err)
	}
	return m.Dir, nil
}

// definition is what is read of a CRD.
type definition struct {
	Kind string
	Spec struct {
		Group    string
		Names    struct{ Kind string }
		Versions []crdVersion
	}
}

type crdVersion struct {
	Name   string
	Schema struct {
		OpenAPIV3Schema map[string]any `yaml:"openAPIV3Schema"`
	}
}

// readCRDs adds the kinds of a file under the names of the files to write.
func readCRDs(name string, found map[string][]byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	for {
		var d definition
		if err := dec.Decode(&d); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if d.Kind != "CustomResourceDefinition" {
			continue
		}
		versions := map[string]json.RawMessage{}
		for _, v := range d.Spec.Versions {
			if versions[v.Name], err = json.Marshal(reduce(v.Schema.OpenAPIV3Schema)); err != nil {
				return err
			}
		}
		file := strings.ToLower(d.Spec.Names.Kind) + "." + d.Spec.Group
		if _, have := found[file+".json"]; have {
			continue
		}
		if found[file+".json"], err = json.Marshal(versions); err != nil {
			return err
		}
		newest := slices.MaxFunc(d.Spec.Versions, func(a, b crdVersion) int {
			return version.CompareKubeAwareVersionStrings(a.Name, b.Name)
		})
		if found[file+".fields.json"], err = json.Marshal(describe(newest.Schema.OpenAPIV3Schema)); err != nil {
			return err
		}
	}
}

// described are the parts of a schema that help people to write an object.
var described = []string{"type", "description", "enum", "default", "required", "format", "minimum", "maximum"}

// describe keeps names, kinds of values and words of the fields that people write.
func describe(root map[string]any) map[string]any {
	out := describeFields(root)
	if fields, ok := out["properties"].(map[string]any); ok {
		for _, name := range notSpecific {
			delete(fields, name)
		}
	}
	return out
}

func describeFields(s map[string]any) map[string]any {
	out := map[string]any{}
	for _, k := range described {
		if v, ok := s[k]; ok {
			out[k] = v
		}
	}
	for _, k := range []string{"items", "additionalProperties"} {
		if below, ok := s[k].(map[string]any); ok {
			out[k] = describeFields(below)
		}
	}
	if fields, ok := s["properties"].(map[string]any); ok {
		below := make(map[string]any, len(fields))
		for name, field := range fields {
			if f, ok := field.(map[string]any); ok {
				below[name] = describeFields(f)
			}
		}
		out["properties"] = below
	}
	return out
}

// reduce leaves out what does not decide whether an object is right: words for
// people, and the fields that users do not write.
func reduce(root map[string]any) map[string]any {
	out, _ := withoutWords(root, false).(map[string]any)
	if fields, ok := out["properties"].(map[string]any); ok {
		for _, name := range notSpecific {
			delete(fields, name)
		}
	}
	return out
}

// notSpecific are the fields of every kind, and what users do not write.
var notSpecific = []string{"apiVersion", "kind", "metadata", "status"}

// withoutWords drops descriptions. In a mapping of fields, "description" is
// the name of a field.
func withoutWords(v any, fields bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if !fields && (k == "description" || k == "title" || k == "example" || k == "externalDocs") {
				continue
			}
			out[k] = withoutWords(x, !fields && k == "properties")
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = withoutWords(x, false)
		}
		return out
	default:
		return v
	}
}
