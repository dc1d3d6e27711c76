package history

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Whatever is edited in files of whatever layout, writing back what the history
// kept restores every byte of them.
func TestUndoRestoresEveryByte(t *testing.T) {
	b := newBench(t)
	b.look()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		var files []string
		names := map[string]string{}
		for f := range rapid.IntRange(1, 3).Draw(r, "files") {
			var text strings.Builder
			text.WriteString(rapid.SampledFrom([]string{"", "# head\n", "---\n", "\n"}).Draw(r, "head"))
			for i := range rapid.IntRange(1, 3).Draw(r, "documents") {
				if i > 0 {
					text.WriteString(rapid.SampledFrom([]string{"---\n", "--- # next\n", "\n---\n\n"}).Draw(r, "separator"))
				}
				name := fmt.Sprintf("a%d-%d-%d", n, f, i)
				doc := account(name, rapid.SampledFrom([]string{"x", "y"}).Draw(r, "state"))
				doc += rapid.SampledFrom([]string{"", "# tail\n", "  \n", "\n\n"}).Draw(r, "tail")
				if rapid.Bool().Draw(r, "windows") {
					doc = strings.ReplaceAll(doc, "\n", "\r\n")
				}
				text.WriteString(doc)
				names[name] = ""
			}
			whole := text.String()
			if rapid.Bool().Draw(r, "bare") {
				whole = strings.TrimRight(whole, "\r\n ")
			}
			path := fmt.Sprintf("f%d-%d.yaml", n, f)
			files = append(files, path)
			b.edit(path, whole)
		}
		b.look()
		before := map[string]string{}
		for _, path := range files {
			before[path] = b.read(path)
		}
		objects := first(b.observe().objects)
		var changes []source.Change
		for name := range names {
			o := objects[ref(name)]
			if o == nil || !rapid.Bool().Draw(r, "edited") {
				continue
			}
			edits := []config.Edit{{Op: config.Set, Path: "metadata.labels.state", Value: rapid.SampledFrom([]string{"z", "w"}).Draw(r, "value")}}
			if rapid.Bool().Draw(r, "more") {
				edits = append(edits, config.Edit{Op: config.Set, Path: "metadata.annotations", Value: "{k: v}"})
			}
			text, err := config.Splice(t.Context(), o.Text, edits...)
			if err != nil {
				r.Fatal(err)
			}
			changes = append(changes, source.Change{Ref: o.Ref, Text: text, Expect: o.Version})
		}
		if len(changes) > 0 {
			done := b.write(eve, changes...)
			b.look()
			var back []source.Change
			for _, e := range done.Entries {
				back = append(back, source.Change{Ref: e.Ref, Text: []byte(*e.Before), Expect: e.AfterETag})
			}
			undo := eve
			undo.Undoes = done.ID
			b.write(undo, back...)
			b.look()
		}
		for _, path := range files {
			if got := b.read(path); got != before[path] {
				r.Fatalf("%s is %q, was %q", path, got, before[path])
			}
			if err := os.Remove(filepath.Join(b.dir, path)); err != nil {
				r.Fatal(err)
			}
		}
		b.look()
	})
	if all, _, err := b.List(t.Context(), Filter{Limit: 200, Via: File, Object: mesh.Ref{}}); err != nil || len(all) < n {
		t.Errorf("%d changes by hand of %d (%v)", len(all), n, err)
	}
}
