package file

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/private"
)

// memory is the last good content of each file, on disk, so that a broken file
// takes nothing away over a restart either.
type memory struct {
	dir string
	log *slog.Logger
	// written holds what each record says, so that unchanged ones stay alone.
	written map[string]string
}

// record is the last good content of one file.
type record struct {
	File    string       `json:"file"`
	Objects []goodObject `json:"objects"`
}

type goodObject struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// recordName is the file of a record: flat, whatever the path looks like.
func recordName(path string) string { return mesh.HashOf(path).String() + ".json" }

// recall reads what a file said last. What cannot be read is forgotten: then
// the broken file just says less.
func (m *memory) recall(r *reader, path string) []*mesh.Object {
	data, err := os.ReadFile(filepath.Join(m.dir, recordName(path)))
	if err != nil {
		return nil
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil || rec.File != path {
		return nil
	}
	var out []*mesh.Object
	for _, good := range rec.Objects {
		result := config.Decode(filepath.Join(r.dir, path), []byte(good.Text))
		for _, o := range result.Objects {
			o.Origin.Source, o.Origin.Line = r.name, good.Line
			out = append(out, o)
		}
	}
	return out
}

// remember writes the records that changed and removes those of files that are
// gone. It is best effort: without it a restart while a file is broken loses
// that file's objects, and nothing else.
func (m *memory) remember(docs map[string]*document) {
	first := m.written == nil
	if first {
		m.written = map[string]string{}
	}
	names := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		doc := docs[path]
		rec := record{File: path}
		for _, o := range slices.Concat(doc.objects, doc.kept) {
			rec.Objects = append(rec.Objects, goodObject{Line: o.Origin.Line, Text: string(o.Text)})
		}
		name := recordName(path)
		if len(rec.Objects) == 0 {
			continue
		}
		names[name] = true
		data, err := json.Marshal(rec)
		if err != nil {
			m.complain(path, err)
			continue
		}
		if m.written[name] == string(data) {
			continue
		}
		if err := m.write(name, data); err != nil {
			m.complain(path, err)
			continue
		}
		m.written[name] = string(data)
	}
	known := slices.Collect(maps.Keys(m.written))
	if first {
		if entries, err := os.ReadDir(m.dir); err == nil {
			for _, e := range entries {
				known = append(known, e.Name())
			}
		}
	}
	for _, name := range known {
		if names[name] {
			continue
		}
		if err := os.Remove(filepath.Join(m.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.complain(name, err)
		}
		delete(m.written, name)
	}
}

// write replaces a record as a whole. Several processes may do so at once.
func (m *memory) write(name string, data []byte) error {
	old, err := os.ReadFile(filepath.Join(m.dir, name))
	if err == nil && string(old) == string(data) {
		return nil
	}
	return private.WriteFile(filepath.Join(m.dir, name), data)
}

func (m *memory) complain(path string, err error) {
	m.log.Warn("last good content was not kept", "file", path, "error", err)
}
