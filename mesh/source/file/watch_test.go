package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

func TestEditorsHabits(t *testing.T) {
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	habits := map[string]func(t *testing.T, path, text string){
		"renames a new file over it": func(t *testing.T, path, text string) {
			must(t, os.WriteFile(path+".tmp", []byte(text), 0o600))
			must(t, os.Rename(path+".tmp", path))
		},
		"renames the old one away first": func(t *testing.T, path, text string) {
			must(t, os.Rename(path, path+"~"))
			must(t, os.WriteFile(path, []byte(text), 0o600))
			must(t, os.Remove(path+"~"))
		},
		"truncates and writes by pieces": func(t *testing.T, path, text string) {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
			must(t, err)
			for i := 0; i < len(text); i += 7 {
				_, err := file.WriteString(text[i:min(i+7, len(text))])
				must(t, err)
			}
			must(t, file.Close())
		},
		"leaves a swap file beside it": func(t *testing.T, path, text string) {
			swap := filepath.Join(filepath.Dir(path), ".a.yaml.swp")
			must(t, os.WriteFile(swap, []byte("nonsense: ["), 0o600))
			must(t, os.WriteFile(path, []byte(text), 0o600))
			must(t, os.Remove(swap))
		},
	}
	for name, save := range habits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Slower than usual, so that a busy machine is no slow editor.
			f, _ := startAt(t, t.TempDir(), pace{still: 1500 * time.Millisecond, missing: 1500 * time.Millisecond, patience: deadline})
			f.write("default/serviceaccount/a.yaml", account("a", "0"))
			f.says("a=0")
			for i := 1; i <= 2; i++ {
				save(t, f.path("default/serviceaccount/a.yaml"), account("a", fmt.Sprint(i)))
				// No word in between may lack the object or hold a finding.
				f.until("the new state", func(u source.Update) bool {
					if len(u.Objects) != 1 || len(u.Findings) != 0 {
						t.Errorf("between: %q %v", accounts(u), u.Findings)
					}
					return accounts(u) == fmt.Sprintf("a=%d", i)
				})
			}
		})
	}
}

func TestFoldersComeAndGo(t *testing.T) {
	f, _ := start(t, t.TempDir())
	for i := range 3 {
		f.write("x/y/z/a.yaml", account("a", fmt.Sprint(i)))
		f.says(fmt.Sprintf("a=%d", i))
		if err := os.RemoveAll(f.path("x")); err != nil {
			t.Fatal(err)
		}
		f.says("")
	}
}

func TestTheFolderItselfGoesAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config")
	s, err := Open(dir, Options{NoWatch: true, Poll: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{Store: s, t: t, out: make(chan source.Update)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = f.Run(ctx, f.out) }()
	f.write("a.yaml", account("a", "1"))
	f.says("a=1")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	u := f.until("the folder is missed", func(u source.Update) bool { return len(u.Findings) > 0 })
	if accounts(u) != "a=1" || u.Findings[0].Code != mesh.CodeSourceAway {
		t.Errorf("%q %v", accounts(u), u.Findings)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if u := f.until("it is back", func(u source.Update) bool { return len(u.Findings) == 0 }); accounts(u) != "a=1" {
		t.Errorf("%q", accounts(u))
	}
}

func TestUnreadableFileIsAFinding(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("a.yaml", account("a", "1"))
	f.says("a=1")
	// A folder where the file was is unreadable for root, too, but is no
	// manifest; a link that leads nowhere is passed over.
	if err := os.Symlink("nowhere", f.path("b.yaml")); err != nil {
		t.Fatal(err)
	}
	f.write("c.yaml", account("c", "1"))
	f.says("a=1 c=1")
}

func TestKindsAreFiltered(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Kinds: func(k mesh.Kind) bool { return k == mesh.KindNamespace }})
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{Store: s, t: t, out: make(chan source.Update)}
	f.write("all.yaml", account("a", "1")+"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = f.Run(ctx, f.out) }()
	u := f.until("a word", func(source.Update) bool { return true })
	if len(u.Objects) != 1 || u.Objects[0].Name != "shop" {
		t.Errorf("%v", u.Objects)
	}
}
