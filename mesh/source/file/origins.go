package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// originsPath is where origins are kept, below the folder.
const originsPath = ownDir + "/origins.json"

// origin is the manifest that an object was applied from.
type origin struct {
	From string `json:"from"` // as the person named it
	// Path is the manifest wherever the person stands; empty, like Applied, when
	// the object did not come from ApplyManifests.
	Path string `json:"path,omitempty"`
	// Applied is the version of the manifest's text when it was applied last.
	Applied string `json:"applied,omitempty"`
}

// origins are origins by the id of the object.
type origins map[string]origin

func (s *Store) readOrigins() (origins, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, originsPath))
	if errors.Is(err, fs.ErrNotExist) {
		return origins{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read where objects came from: %w", err)
	}
	var o origins
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("read where objects came from: %s is damaged (%w); remove it, and every manifest is applied anew",
			filepath.Join(s.dir, originsPath), err)
	}
	return o, nil
}

func (o origins) encode() ([]byte, error) {
	data, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write where objects came from: %w", err)
	}
	return append(data, '\n'), nil
}

// after is what the origins become by changes. An edit that names no manifest,
// or the one that the object came from, leaves the object's as it was: it is
// still that manifest's object.
func (o origins) after(changes []source.Change) origins {
	out := maps.Clone(o)
	for _, c := range changes {
		id := c.Ref.ID()
		switch {
		case c.Text == nil:
			delete(out, id)
		case c.From != "" && c.From != o[id].From && c.From != o[id].Path:
			out[id] = origin{From: c.From}
		}
	}
	return out
}

// Manifest is what an object was last applied from, as the person named it; ""
// for one that came from no manifest, or went with it. It is remembered of an
// object whose file somebody deleted.
func (s *Store) Manifest(ref mesh.Ref) (string, error) {
	known, err := s.readOrigins()
	if err != nil {
		return "", err
	}
	return known[ref.ID()].From, nil
}
