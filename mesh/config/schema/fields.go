package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

const fieldsSuffix = ".fields"

// Fields is the JSON Schema of the newest version of a kind as people need it who
// write an object: names, types and words, without the rules that For knows. It
// leaves out what every kind has (apiVersion, kind, metadata) and what nobody
// writes (status); nil when the kind has no schema.
func Fields(kind mesh.Kind) (map[string]any, error) {
	name := "crds/" + strings.ToLower(kind.Name) + "." + kind.Group + fieldsSuffix + ".json"
	data, err := crds.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return out, nil
}
