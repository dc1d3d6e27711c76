package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

const deadline = 20 * time.Second

// folder is a store whose source runs.
type folder struct {
	*Store
	t   *testing.T
	out chan source.Update
}

func open(t *testing.T, dir string) *folder {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &folder{Store: s, t: t, out: make(chan source.Update)}
}

// start runs the source; stop ends it.
func start(t *testing.T, dir string) (f *folder, stop func()) {
	t.Helper()
	return startAt(t, dir, usual)
}

func startAt(t *testing.T, dir string, p pace) (f *folder, stop func()) {
	t.Helper()
	f = open(t, dir)
	f.files.pace = p
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.Run(ctx, f.out)
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return f, stop
}

// until reads updates until one fits.
func (f *folder) until(what string, fits func(source.Update) bool) source.Update {
	f.t.Helper()
	var last source.Update
	limit := time.After(deadline)
	for {
		select {
		case u := <-f.out:
			if fits(u) {
				return u
			}
			last = u
		case <-limit:
			f.t.Fatalf("never came: %s; at last %q with findings %v", what, accounts(last), last.Findings)
		}
	}
}

// accounts is the name and state of each service account, in the order of the update.
func accounts(u source.Update) string {
	var out []string
	for _, o := range u.Objects {
		out = append(out, o.Name+"="+o.Labels["state"])
	}
	return strings.Join(out, " ")
}

func (f *folder) says(want string) source.Update {
	f.t.Helper()
	return f.until(want, func(u source.Update) bool { return accounts(u) == want })
}

func (f *folder) path(rel string) string { return filepath.Join(f.dir, rel) }

func (f *folder) write(rel, text string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(rel)), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(rel), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) read(rel string) string {
	f.t.Helper()
	data, err := os.ReadFile(f.path(rel))
	if errors.Is(err, fs.ErrNotExist) {
		return "<none>"
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}

func (f *folder) apply(changes ...source.Change) error {
	return f.Apply(f.t.Context(), changes)
}

func account(name, state string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  labels: {state: %q} # keep me\n", name, state)
}

func ref(name string) mesh.Ref {
	return mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: "default", Name: name}
}

func set(name, state string) source.Change {
	return source.Change{Ref: ref(name), Text: []byte(account(name, state)), Expect: source.Any}
}

func remove(name string) source.Change { return source.Change{Ref: ref(name), Expect: source.Any} }

func codes(u source.Update) []string {
	var out []string
	for _, f := range u.Findings {
		out = append(out, f.Code)
	}
	return out
}

func TestBrokenEditLeavesTheLastGoodContent(t *testing.T) {
	good := account("a", "1") + "---\n" + account("b", "1") + "---\n" + account("c", "1")
	tests := []struct {
		name, text string
		want       string // accounts
		code       string
		line       int
	}{
		{"bad YAML", strings.Replace(good, `{state: "1"}`, `{state: "1"`, 1), "a=1 b=1 c=1", mesh.CodeSyntax, 0},
		{"unknown field", strings.Replace(good, "b\n  labels", "b\n  lables", 1), "a=1 b=1 c=1", mesh.CodeSchema, 11},
		{"wrong type", strings.Replace(good, "b\n  labels: {", "b\n  labels: 5 # {", 1), "a=1 b=1 c=1", mesh.CodeSchema, 11},
		{"lost separator", strings.Replace(good, "---\n", "", 1), "a=1 b=1 c=1", mesh.CodeSchema, 0},
		{"others still change", strings.Replace(strings.Replace(good, "b\n  labels", "b\n  lables", 1), "c\n  labels: {state: \"1\"", "c\n  labels: {state: \"2\"", 1), "a=1 b=1 c=2", mesh.CodeSchema, 11},
		{"emptied", "", "a=1 b=1 c=1", mesh.CodeSyntax, 1},
		{"emptied but for a newline", "\n\n", "a=1 b=1 c=1", mesh.CodeSyntax, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			f, stop := start(t, dir)
			f.write("all.yaml", good)
			before := f.says("a=1 b=1 c=1")
			f.write("all.yaml", tt.text)
			u := f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
			check := func(u source.Update) {
				t.Helper()
				sorted := slices.SortedFunc(slices.Values(u.Objects), func(a, b *mesh.Object) int { return a.Ref.Compare(b.Ref) })
				if got := accounts(source.Update{Objects: sorted}); got != tt.want {
					t.Errorf("objects %q, want %q", got, tt.want)
				}
				if len(u.Findings) == 0 {
					t.Fatal("no finding")
				}
				got := u.Findings[0]
				if got.Code != tt.code || got.File != f.path("all.yaml") || got.Line == 0 || tt.line != 0 && got.Line != tt.line {
					t.Errorf("finding %+v", got)
				}
			}
			check(u)
			stop()

			again, _ := start(t, dir)
			u = again.until("the first word", func(source.Update) bool { return true })
			check(u)
			for _, o := range u.Objects {
				i := slices.IndexFunc(before.Objects, func(b *mesh.Object) bool { return b.Ref == o.Ref })
				if o.Labels["state"] == "1" && (o.Version != before.Objects[i].Version || o.Hash != before.Objects[i].Hash) {
					t.Errorf("%s got another version or hash over a restart", o.Ref)
				}
			}
			again.write("all.yaml", good)
			mended := again.says("a=1 b=1 c=1")
			if len(mended.Findings) != 0 {
				t.Errorf("findings after mending: %v", mended.Findings)
			}
		})
	}
}

func TestObjectOfABrokenFileMayMove(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1"))
	f.says("a=1 b=1")
	f.write("all.yaml", account("a", "1")+"---\nnonsense: [")
	f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	f.write("b.yaml", account("b", "2"))
	f.says("a=1 b=2")
}

func TestUnsupportedKindsHoldNothingBack(t *testing.T) {
	f, _ := start(t, t.TempDir())
	unsupported := "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n"
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1")+unsupported)
	u := f.says("a=1 b=1")
	if diff := cmp.Diff([]string{mesh.CodeUnsupported}, codes(u)); diff != "" {
		t.Error(diff)
	}
	f.write("all.yaml", account("a", "1")+unsupported)
	f.says("a=1")
}

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

func TestWritesTouchOnlyWhatChanges(t *testing.T) {
	head := "# our accounts\n"
	tests := []struct {
		name    string
		before  map[string]string
		changes []source.Change
		after   map[string]string
	}{
		{
			"a new object gets a file",
			nil,
			[]source.Change{set("a", "1")},
			map[string]string{"default/serviceaccount/a.yaml": account("a", "1")},
		},
		{
			"the middle of three",
			map[string]string{"all.yaml": head + account("a", "1") + "---  # second\n" + account("b", "1") + "---\n" + account("c", "1")},
			[]source.Change{set("b", "2")},
			map[string]string{"all.yaml": head + account("a", "1") + "---  # second\n" + account("b", "2") + "---\n" + account("c", "1")},
		},
		{
			"removal in the middle and at the end",
			map[string]string{"all.yaml": head + account("a", "1") + "---\n" + account("b", "1") + "---\n" + account("c", "1")},
			[]source.Change{remove("c"), remove("b")},
			map[string]string{"all.yaml": head + account("a", "1")},
		},
		{
			"removal at the start",
			map[string]string{"all.yaml": "---\n" + account("a", "1") + "---\n" + account("b", "1")},
			[]source.Change{remove("a")},
			map[string]string{"all.yaml": "---\n" + account("b", "1")},
		},
		{
			"removal of all",
			map[string]string{"all.yaml": account("a", "1") + "---\n" + account("b", "1")},
			[]source.Change{remove("a"), remove("b")},
			map[string]string{"all.yaml": "<none>"},
		},
		{
			"one out, one changed, one new",
			map[string]string{"all.yaml": account("a", "1") + "---\n" + account("b", "1")},
			[]source.Change{remove("a"), set("b", "2"), set("c", "3")},
			map[string]string{"all.yaml": account("b", "2"), "default/serviceaccount/c.yaml": account("c", "3")},
		},
		{
			"the file of the name holds something else",
			map[string]string{"default/serviceaccount/a.yaml": account("b", "1")},
			[]source.Change{set("a", "1")},
			map[string]string{"default/serviceaccount/a.yaml": account("b", "1") + "---\n" + account("a", "1")},
		},
		{
			"JSON stays where it is",
			map[string]string{"a.json": `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"}}`},
			[]source.Change{set("a", "2")},
			map[string]string{"a.json": account("a", "2")},
		},
		{
			"a broken document of the same name is replaced",
			map[string]string{"all.yaml": account("a", "1") + "---\n" + strings.Replace(account("b", "1"), "labels", "lables", 1)},
			[]source.Change{set("b", "2")},
			map[string]string{"all.yaml": account("a", "1") + "---\n" + account("b", "2")},
		},
		{
			"of two, both go",
			map[string]string{"1.yaml": account("a", "1"), "2.yaml": account("a", "2")},
			[]source.Change{remove("a")},
			map[string]string{"1.yaml": "<none>", "2.yaml": "<none>"},
		},
		{
			"of two, the one that counts is changed",
			map[string]string{"1.yaml": account("a", "1"), "2.yaml": account("a", "2")},
			[]source.Change{set("a", "3")},
			map[string]string{"1.yaml": account("a", "3"), "2.yaml": account("a", "2")},
		},
		{
			"Windows' line ends",
			map[string]string{"all.yaml": strings.ReplaceAll(account("a", "1")+"---\n"+account("b", "1"), "\n", "\r\n")},
			[]source.Change{set("b", "2")},
			map[string]string{"all.yaml": strings.ReplaceAll(account("a", "1")+"---\n", "\n", "\r\n") + account("b", "2")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, t.TempDir())
			for path, text := range tt.before {
				f.write(path, text)
			}
			if err := f.apply(tt.changes...); err != nil {
				t.Fatal(err)
			}
			for path, want := range tt.after {
				if diff := cmp.Diff(want, f.read(path)); diff != "" {
					t.Errorf("%s: %s", path, diff)
				}
			}
		})
	}
}

func TestRefusedWrites(t *testing.T) {
	list := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ServiceAccount\n  metadata: {name: a}\n"
	tests := []struct {
		name, before string
		change       source.Change
		want         string
	}{
		{"item of a list", list, set("a", "1"), "item of a List"},
		{"strange name", "", source.Change{
			Ref:  mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: "default", Name: "../../x"},
			Text: []byte("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ../../x}\n"), Expect: source.Any,
		}, "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, t.TempDir())
			f.write("all.yaml", tt.before)
			if err := f.apply(tt.change); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if got := f.read("all.yaml"); got != tt.before {
				t.Errorf("the file changed: %s", got)
			}
		})
	}
}

func TestObjectInAFileThatNobodyUnderstands(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1"))
	f.says("a=1 b=1")
	f.write("all.yaml", "nonsense: [\n---\n"+account("b", "1"))
	f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	if err := f.apply(set("a", "2")); err == nil || !strings.Contains(err.Error(), "mend the file first") {
		t.Errorf("got %v", err)
	}
}

func TestInterruptedWriteHappensWhollyOrNotAtAll(t *testing.T) {
	steps := []struct {
		at   string
		want string // states of a, b, c after the restart
	}{
		{"contents written", "a=1 b=1 c=1"},
		{"journal written", "a=2 c=1 d=2"},
		{"step of default/serviceaccount/a.yaml", "a=2 c=1 d=2"},
		{"step of default/serviceaccount/b.yaml", "a=2 c=1 d=2"},
		{"step of default/serviceaccount/d.yaml", "a=2 c=1 d=2"},
	}
	for _, recovery := range []string{"by opening", "by another reader"} {
		for _, tt := range steps {
			t.Run(recovery+" "+tt.at, func(t *testing.T) {
				dir := t.TempDir()
				var other *folder
				if recovery == "by another reader" {
					other, _ = start(t, dir)
				}
				f := open(t, dir)
				if err := f.apply(set("a", "1"), set("b", "1"), set("c", "1")); err != nil {
					t.Fatal(err)
				}
				dead := errors.New("killed")
				f.interrupt = func(step string) error {
					if step == tt.at {
						return dead
					}
					return nil
				}
				if err := f.apply(set("a", "2"), remove("b"), set("d", "2")); !errors.Is(err, dead) {
					t.Fatalf("the write was not interrupted: %v", err)
				}
				if other == nil {
					other, _ = start(t, dir)
				}
				other.says(tt.want)
				f.interrupt = func(string) error { return nil }
				if err := f.apply(set("e", "1")); err != nil {
					t.Errorf("the next write: %v", err)
				}
				other.says(tt.want + " e=1")
				if left, err := os.ReadDir(f.tempDir()); err != nil || len(left) != 0 {
					t.Errorf("left over: %v, %v", left, err)
				}
			})
		}
	}
}

func TestDamagedJournalIsNotFollowed(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":            "{",
		"outside the folder": `{"operations":[{"path":"../x"}]}`,
		"content elsewhere":  `{"operations":[{"path":"x","temp":"../../x"}]}`,
	} {
		dir := t.TempDir()
		f := open(t, dir)
		f.write(ownDir+"/journal.json", text)
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "journal.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPermissionsAreKept(t *testing.T) {
	f := open(t, t.TempDir())
	if err := f.apply(set("a", "1")); err != nil {
		t.Fatal(err)
	}
	path := f.path("default/serviceaccount/a.yaml")
	mode := func() fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if got := mode(); got != 0o600 {
		t.Errorf("a new file has mode %o", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.apply(set("a", "2")); err != nil {
		t.Fatal(err)
	}
	if got := mode(); got != 0o644 {
		t.Errorf("a changed file has mode %o", got)
	}
}

func TestManifests(t *testing.T) {
	manifests := t.TempDir()
	manifest := filepath.Join(manifests, "shop.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, _ := start(t, t.TempDir())
	apply := func(applied, unchanged string) Report {
		t.Helper()
		r, err := f.ApplyManifests(t.Context(), []string{manifests})
		if err != nil {
			t.Fatal(err)
		}
		names := func(refs []mesh.Ref) string {
			var out []string
			for _, r := range refs {
				out = append(out, r.Name)
			}
			return strings.Join(out, " ")
		}
		if got := names(r.Applied); got != applied {
			t.Errorf("applied %q, want %q", got, applied)
		}
		if got := names(r.Unchanged); got != unchanged {
			t.Errorf("unchanged %q, want %q", got, unchanged)
		}
		return r
	}

	write(account("a", "1") + "---\n" + account("b", "1"))
	apply("a b", "")
	u := f.says("a=1 b=1")
	if from := u.Objects[0].Origin.From; from != manifest {
		t.Errorf("object came from %q", from)
	}
	apply("", "a b")

	// Edits in the folder stay as long as the manifest is as it was, also when
	// it says something else about another object.
	if err := f.apply(set("a", "edited")); err != nil {
		t.Fatal(err)
	}
	if u := f.says("a=edited b=1"); u.Objects[0].Origin.From != manifest {
		t.Errorf("an edit made the object forget its manifest: %+v", u.Objects[0].Origin)
	}
	write(account("a", "1") + "---\n" + account("b", "2"))
	apply("b", "a")
	f.says("a=edited b=2")
	write(account("a", "3") + "---\n" + account("b", "2"))
	apply("a", "b")
	f.says("a=3 b=2")

	// What was removed comes back.
	if err := f.apply(remove("b")); err != nil {
		t.Fatal(err)
	}
	f.says("a=3")
	apply("b", "a")
	f.says("a=3 b=2")

	// A document that cannot be read leaves the others alone; findings in the
	// folder name the manifest.
	write(account("a", "4") + "---\n" + strings.Replace(account("b", "5"), "name", "nmae", 1))
	r := apply("a", "")
	if len(r.Findings) == 0 || r.Findings[0].File != manifest {
		t.Errorf("findings %+v", r.Findings)
	}
	f.says("a=4 b=2")
	f.write("default/serviceaccount/a.yaml", strings.Replace(account("a", "6"), "labels", "lables", 1))
	u = f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	if u.Findings[0].Params["from"] != manifest {
		t.Errorf("finding %+v", u.Findings[0])
	}

	write(account("x", "1") + "---\n" + account("x", "2"))
	r = apply("x", "")
	if len(r.Findings) != 1 || r.Findings[0].Code != mesh.CodeDuplicate {
		t.Errorf("findings %+v", r.Findings)
	}
	if _, err := f.ApplyManifests(t.Context(), []string{filepath.Join(manifests, "none")}); err == nil {
		t.Error("a manifest that does not exist was applied")
	}
	if _, err := f.ApplyManifests(t.Context(), []string{t.TempDir()}); err == nil {
		t.Error("a folder without manifests was applied")
	}
}

func TestInvalidTextSaysWhy(t *testing.T) {
	f := open(t, t.TempDir())
	c := set("a", "1")
	c.Text = bytes.Replace(c.Text, []byte("labels"), []byte("lables"), 1)
	var invalid *InvalidError
	if err := f.apply(c); !errors.As(err, &invalid) || len(invalid.Findings) == 0 || invalid.Findings[0].Line == 0 {
		t.Errorf("got %v", err)
	}
}

func TestVersionIsThatOfTheText(t *testing.T) {
	f, _ := start(t, t.TempDir())
	c := set("a", "1")
	if err := f.apply(c); err != nil {
		t.Fatal(err)
	}
	if got := f.says("a=1").Objects[0].Version; got != config.TextVersion(c.Text) {
		t.Errorf("version %s", got)
	}
}
