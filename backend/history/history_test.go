package history

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
	"github.com/heddle-mesh/heddle/mesh/source/file"
)

// bench is a folder of objects with its history.
type bench struct {
	*History
	t      *testing.T
	dir    string // of the objects
	dbPath string
	db     *database.DB
	store  *file.Store
	now    time.Time
	told   []Change
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "config"), dbPath: filepath.Join(t.TempDir(), "heddle.db"), now: time.Now().Truncate(time.Second)}
	var err error
	if b.store, err = file.Open(b.dir, file.Options{}); err != nil {
		t.Fatal(err)
	}
	b.start(Options{})
	return b
}

// start begins a new process on the same state.
func (b *bench) start(o Options) {
	b.t.Helper()
	if b.db != nil {
		b.db.Close()
	}
	var err error
	b.db, err = database.Open(b.t.Context(), b.dbPath, slog.New(slog.DiscardHandler), database.Concern{Name: "history", Files: Migrations()})
	if err != nil {
		b.t.Fatal(err)
	}
	db := b.db
	b.t.Cleanup(func() { db.Close() })
	o.Database, o.Store, o.Owner, o.Now = b.db, b.store, "ada", func() time.Time { return b.now }
	if o.Services == nil {
		o.Services = func(objects []*mesh.Object) (out []string) {
			for _, o := range objects {
				out = append(out, o.Namespace+"/reviews")
			}
			return out
		}
	}
	b.History = New(o)
	b.OnRecorded(func(c Change) { b.told = append(b.told, c) })
	b.remember(b.t.Context())
}

// look has the history see what stands in the folder.
func (b *bench) look() {
	b.t.Helper()
	if err := b.record(b.t.Context(), b.observe()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) observe() observation {
	b.t.Helper()
	objects, err := b.store.Objects(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return observation{objects, b.store.Writes()}
}

// edit writes a file by hand; at is when.
func (b *bench) edit(path, text string) {
	b.t.Helper()
	full := filepath.Join(b.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chtimes(full, b.now, b.now); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) remove(path string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.dir, path)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read(path string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, path))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func (b *bench) write(by By, changes ...source.Change) *Change {
	b.t.Helper()
	c, err := b.Write(b.t.Context(), by, changes)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// says compares the history with lines, the oldest first: "via actor: +created
// ~changed -deleted".
func (b *bench) says(want ...string) []Change {
	b.t.Helper()
	all, _, err := b.List(b.t.Context(), Filter{})
	if err != nil {
		b.t.Fatal(err)
	}
	slices.Reverse(all)
	var got []string
	for _, c := range all {
		got = append(got, line(c))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Fatalf("history: -want +got\n%s", diff)
	}
	return all
}

func line(c Change) string {
	out := fmt.Sprintf("%s %s:", c.Via, c.Actor)
	for _, e := range c.Entries {
		out += " " + map[Op]string{Create: "+", Modify: "~", Delete: "-"}[e.Op] + e.Ref.Name
	}
	return out
}

func account(name, state string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  labels: {state: %q} # keep me\n", name, state)
}

func ref(name string) mesh.Ref {
	return mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: "default", Name: name}
}

func put(name, state string) source.Change {
	return source.Change{Ref: ref(name), Text: []byte(account(name, state)), Expect: source.Any}
}

func path(name string) string { return "default/serviceaccount/" + name + ".yaml" }

var (
	eve = By{Actor: "eve", Via: Console}
	cli = By{Actor: "ada", Via: CLI}
)

func TestEditsByHandAreRecordedByteForByte(t *testing.T) {
	b := newBench(t)
	b.edit("mine.yaml", account("a", "1")+"---\n# two\n"+account("b", "1"))
	b.look()
	b.now = b.now.Add(10 * time.Second)
	b.edit("mine.yaml", account("a", "1")+"---\n# two\n"+strings.ReplaceAll(account("b", "2"), "\n", "\r\n"))
	b.look()
	b.now = b.now.Add(10 * time.Second)
	b.remove("mine.yaml")
	b.look()
	b.look()
	all := b.says("file file: +a +b", "file file: ~b", "file file: -a -b")
	if all[1].At != b.now.Add(-10*time.Second).UTC() {
		t.Errorf("at %v", all[1].At)
	}
	c, err := b.Get(t.Context(), all[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	if want := "# two\n" + account("b", "1"); *c.Entries[0].Before != want {
		t.Errorf("before %q, want %q", *c.Entries[0].Before, want)
	}
	if want := "# two\n" + strings.ReplaceAll(account("b", "2"), "\n", "\r\n"); *c.Entries[0].After != want {
		t.Errorf("after %q, want %q", *c.Entries[0].After, want)
	}
	if text, ok, err := b.Revision(t.Context(), c.Entries[0].BeforeETag); err != nil || !ok || string(text) != *c.Entries[0].Before {
		t.Errorf("revision: %q %v %v", text, ok, err)
	}
	if all[0].Entries[0].After != nil {
		t.Error("a list has texts")
	}
	if len(b.told) != 3 || b.told[1].ID != c.ID || b.told[1].Entries[0].After == nil {
		t.Errorf("told %+v", b.told)
	}
}

func TestSeveralFilesWithinASecondAreOneSet(t *testing.T) {
	b := newBench(t)
	b.edit("a.yaml", account("a", "1"))
	b.look()
	b.now = b.now.Add(600 * time.Millisecond)
	b.edit("b.yaml", account("b", "1"))
	b.look() // one after the other
	b.now = b.now.Add(10 * time.Second)
	b.edit("c.yaml", account("c", "1"))
	b.now = b.now.Add(800 * time.Millisecond)
	b.edit("d.yaml", account("d", "1"))
	b.now = b.now.Add(800 * time.Millisecond)
	b.edit("e.yaml", account("e", "1"))
	b.look() // all at once
	b.now = b.now.Add(10 * time.Second)
	b.edit("a.yaml", account("a", "2"))
	b.look()
	b.edit("a.yaml", account("a", "3"))
	b.look() // the same file again is another change
	all := b.says("file file: +a +b", "file file: +c +d", "file file: +e", "file file: ~a", "file file: ~a")
	if all[0].Summary.Code != "several" || all[0].Summary.Params["created"] != "2" {
		t.Errorf("summary %+v", all[0].Summary)
	}
}

func TestWhatChangedWhileNothingRanIsRecorded(t *testing.T) {
	b := newBench(t)
	b.edit("a.yaml", account("a", "1"))
	b.edit("b.yaml", account("b", "1"))
	b.look()
	b.now = b.now.Add(time.Hour)
	b.edit("a.yaml", account("a", "2"))
	edited := b.now.UTC()
	b.now = b.now.Add(time.Hour)
	b.remove("b.yaml")
	b.start(Options{})
	b.look()
	all := b.says("file file: +a +b", "file file: ~a", "file file: -b")
	if all[1].At != edited {
		t.Errorf("edited at %v, recorded %v", edited, all[1].At)
	}
	if last, ok := b.Latest(ref("a")); !ok || last.ID != all[1].ID {
		t.Errorf("the last change of a: %+v", last)
	}
	if _, ok := b.Latest(ref("b")); ok {
		t.Error("what is gone has a last change")
	}
}

// A write is recorded once, under the name of who made it, also when what was
// observed before it arrives after it.
func TestWritesAreRecordedOnce(t *testing.T) {
	b := newBench(t)
	b.edit(path("a"), account("a", "1"))
	b.look()
	b.now = b.now.Add(time.Minute)
	before := b.observe()
	c := b.write(eve, put("a", "2"), put("b", "1"))
	if err := b.record(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	b.look()
	b.look()
	b.says("file file: +a", "console eve: ~a +b")
	if c.ID == "" || c.Entries[0].Before == nil || *c.Entries[0].After != account("a", "2") || !c.Undoable {
		t.Errorf("the change: %+v", c)
	}
	if diff := cmp.Diff([]string{"default/reviews"}, c.Services); diff != "" {
		t.Error(diff)
	}
	// A refused one is no change.
	_, err := b.Write(t.Context(), eve, []source.Change{{Ref: ref("a"), Text: []byte(account("a", "9")), Expect: "old"}})
	if err == nil {
		t.Fatal("a stale write was made")
	}
	b.look()
	b.says("file file: +a", "console eve: ~a +b")
}

// Between two observations somebody edited what another one overwrote: both are
// recorded, and no text is lost.
func TestEditsThatCrossAWrite(t *testing.T) {
	b := newBench(t)
	b.edit(path("a"), account("a", "1"))
	b.look()
	b.now = b.now.Add(time.Minute)
	b.edit(path("a"), account("a", "by-hand"))
	b.write(cli, put("a", "2"))
	b.now = b.now.Add(time.Minute)
	b.edit(path("a"), account("a", "1")) // as it was at first
	b.look()
	all := b.says("file file: +a", "file file: ~a", "cli ada: ~a", "file file: ~a")
	c, err := b.Get(t.Context(), all[2].ID)
	if err != nil || *c.Entries[0].Before != account("a", "by-hand") {
		t.Errorf("%v: before %q", err, *c.Entries[0].Before)
	}
}

// What heddle up brings is told from what people do, from another process.
func TestManifestsAreBroughtByUp(t *testing.T) {
	b := newBench(t)
	manifest := filepath.Join(t.TempDir(), "shop.yaml")
	up := func(text string) {
		t.Helper()
		if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		other, err := file.Open(b.dir, file.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.ApplyManifests(t.Context(), []string{manifest}); err != nil {
			t.Fatal(err)
		}
	}
	up(account("a", "1") + "---\n" + account("b", "1") + "---\n" + account("c", "1"))
	b.look()
	b.now = b.now.Add(time.Minute)
	b.edit(path("a"), account("a", "by-hand"))
	b.look()
	b.now = b.now.Add(time.Minute)
	b.edit(path("a"), account("a", "1")) // by hand too, though it is what the manifest says
	b.remove(path("c"))
	b.look()
	b.now = b.now.Add(time.Minute)
	up(account("a", "2"))
	b.look()
	b.says("up ada: +a +b +c", "file file: ~a", "file file: ~a -c", "up ada: ~a -b")
}

func TestWithoutAWritableDatabase(t *testing.T) {
	b := newBench(t)
	b.edit(path("a"), account("a", "1"))
	b.look()
	b.now = b.now.Add(time.Minute)
	mode := func(m os.FileMode) {
		if err := os.Chmod(b.dbPath, m); err != nil {
			t.Fatal(err)
		}
	}
	mode(0o400)
	_, err := b.Write(t.Context(), eve, []source.Change{put("a", "eve's")})
	if !database.IsNotWritable(err) {
		t.Errorf("a write from the console: %v", err)
	}
	if got := b.read(path("a")); got != account("a", "1") {
		t.Errorf("it was written: %s", got)
	}
	b.edit(path("a"), account("a", "by-hand"))
	if err := b.record(t.Context(), b.observe()); !database.IsNotWritable(err) {
		t.Errorf("recorded: %v", err)
	}
	b.now = b.now.Add(time.Minute)
	if c := b.write(cli, put("a", "2")); c.ID != "" || c.Entries[0].Op != Modify {
		t.Errorf("the owner's write: %+v", c)
	}
	b.write(cli, put("b", "1"))
	b.now = b.now.Add(time.Minute)
	b.edit(path("a"), account("a", "3"))
	b.says("file file: +a") // reading goes on
	mode(0o600)
	b.look()
	b.look()
	all := b.says("file file: +a", "file file: ~a", "cli ada: ~a", "cli ada: +b", "file file: ~a")
	if c, err := b.Get(t.Context(), all[2].ID); err != nil || *c.Entries[0].Before != account("a", "by-hand") {
		t.Errorf("what was found before a write: %+v %v", c, err)
	}
	b.write(eve, put("a", "4"))
}

// A process that ends between writing and recording is no reason to forget who
// wrote; a plan that was not carried out is no change.
func TestTheEndOfAProcessForgetsNobody(t *testing.T) {
	b := newBench(t)
	b.look()
	plan := func(c source.Change, by By) {
		t.Helper()
		s := set{By: by, at: b.now, edits: []edit{{ref: c.Ref, after: &text{"planned", c.Text}}}}
		if _, _, err := b.plan(t.Context(), s, nil); err != nil {
			t.Fatal(err)
		}
	}
	plan(put("a", "1"), eve)
	plan(put("b", "1"), eve)
	if err := b.store.Apply(t.Context(), []source.Change{put("a", "1")}); err != nil {
		t.Fatal(err)
	}
	b.says()
	b.start(Options{})
	b.look()
	b.says("console eve: +a")
}

func TestUndoneAndInForceAgain(t *testing.T) {
	b := newBench(t)
	one := b.write(eve, put("a", "1"))
	undo := func(of *Change, c source.Change) *Change {
		by := eve
		by.Undoes = of.ID
		return b.write(by, c)
	}
	gone := source.Change{Ref: ref("a"), Expect: source.Any}
	check := func(of *Change, by string, undoable bool) {
		t.Helper()
		c, err := b.Get(t.Context(), of.ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.UndoneBy != by || c.Undoable != undoable {
			t.Errorf("change %s is undone by %q and undoable %v, want %q and %v", c.ID, c.UndoneBy, c.Undoable, by, undoable)
		}
	}
	two := undo(one, gone)
	if two.Undoes != one.ID || two.Summary.Params["undoes"] != one.ID {
		t.Errorf("the undo: %+v", two)
	}
	check(one, two.ID, false)
	three := undo(two, put("a", "1"))
	check(one, "", true)
	check(two, three.ID, false)
	four := undo(three, gone)
	check(one, two.ID, false)
	check(two, "", true)
	check(three, four.ID, false)
	check(four, "", true)
}

func TestSecretsAreNotKept(t *testing.T) {
	b := newBench(t)
	secret := mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "s"}
	text := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n"
	c := b.write(cli, source.Change{Ref: secret, Text: []byte(text), Expect: source.Any}, put("a", "1"))
	b.edit("default/secret/s.yaml", strings.Replace(text, "hunter2", "hunter3", 1))
	b.look()
	b.says("cli ada: +s +a", "file file: ~s")
	if c.Entries[0].After != nil && c.Entries[0].Ref == secret || !c.Undoable || !slices.Equal(c.Stays, []mesh.Ref{secret}) {
		t.Errorf("with something else: %+v", c)
	}
	if alone, _, err := b.List(t.Context(), Filter{Limit: 1}); err != nil || alone[0].Undoable || !slices.Equal(alone[0].Stays, []mesh.Ref{secret}) {
		t.Errorf("alone: %+v %v", alone, err)
	}
	revisions, _, err := b.Revisions(t.Context(), secret, 0, "")
	if err != nil || len(revisions) != 2 || revisions[0].Text != nil {
		t.Errorf("%+v %v", revisions, err)
	}
	var n int
	if err := b.db.Read().QueryRow("SELECT count(*) FROM revision WHERE text LIKE '%hunter%'").Scan(&n); err != nil || n > 0 {
		t.Errorf("%d texts hold a password (%v)", n, err)
	}
}

// A document that gets an end of line because another one is put behind it was
// changed by nobody.
func TestBlankSpaceIsNobodysChange(t *testing.T) {
	b := newBench(t)
	bare := strings.TrimSuffix(account("b", "1"), "\n")
	b.edit(path("a"), bare)
	b.look()
	b.now = b.now.Add(time.Minute)
	b.write(eve, put("a", "1")) // goes behind it
	if got := b.read(path("a")); got != bare+"\n---\n"+account("a", "1") {
		t.Fatalf("the file: %q", got)
	}
	b.look()
	b.now = b.now.Add(time.Minute)
	b.edit(path("a"), account("b", "2")+"---\n"+account("a", "1"))
	b.look()
	all := b.says("file file: +b", "console eve: +a", "file file: ~b")
	if c, err := b.Get(t.Context(), all[2].ID); err != nil || *c.Entries[0].Before != account("b", "1") {
		t.Errorf("before: %q %v", *c.Entries[0].Before, err)
	}
}

func TestListing(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		b.write(eve, put("a", fmt.Sprint(i)))
		b.write(cli, put("b", fmt.Sprint(i)))
	}
	var got []string
	for f := (Filter{Limit: 3}); ; {
		page, next, err := b.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			got = append(got, c.Entries[0].Ref.Name)
		}
		if f.Before = next; next == "" {
			break
		}
	}
	if strings.Join(got, "") != "bababababa" {
		t.Errorf("pages: %s", got)
	}
	for name, tt := range map[string]struct {
		f    Filter
		want int
	}{
		"object":         {Filter{Object: ref("a")}, 5},
		"actor":          {Filter{Actor: "ada"}, 5},
		"via and object": {Filter{Via: Console, Object: ref("b")}, 0},
		"service":        {Filter{Service: "default/reviews"}, 10},
		"other service":  {Filter{Service: "default/ratings"}, 0},
	} {
		if all, _, err := b.List(t.Context(), tt.f); err != nil || len(all) != tt.want {
			t.Errorf("by %s: %d, want %d (%v)", name, len(all), tt.want, err)
		}
	}
	revisions, next, err := b.Revisions(t.Context(), ref("a"), 2, "")
	if err != nil || len(revisions) != 2 || *revisions[0].Text != account("a", "4") || next == "" {
		t.Errorf("revisions: %+v %q %v", revisions, next, err)
	}
	if since := b.Since(b.now); len(since) != 10 || since[0].Entries[0].After != nil {
		t.Errorf("since: %d", len(since))
	}
	if _, err := b.Get(t.Context(), "99"); err == nil {
		t.Error("a change that there is not was found")
	}
}

func TestRetention(t *testing.T) {
	b := newBench(t)
	b.start(Options{Retention: time.Hour, MaxBytes: 3000})
	b.write(eve, put("old", "1"))
	b.now = b.now.Add(2 * time.Hour)
	b.write(eve, put("a", "1"))
	b.prune(t.Context())
	b.says("console eve: +a")
	for i := range 100 {
		b.write(eve, put("a", fmt.Sprint(i)))
	}
	b.prune(t.Context())
	all, _, err := b.List(t.Context(), Filter{Limit: 200})
	if err != nil || len(all) < 10 || len(all) > 40 {
		t.Errorf("%d changes are left (%v)", len(all), err)
	}
	var bytes int
	if err := b.db.Read().QueryRow("SELECT sum(length(text)) FROM revision").Scan(&bytes); err != nil || bytes > 3000 {
		t.Errorf("%d bytes are left (%v)", bytes, err)
	}
	// What is there now can be told from what it becomes, though nobody remembers
	// who made it.
	b.edit(path("old"), account("old", "2"))
	b.look()
	c, _, err := b.List(t.Context(), Filter{Object: ref("old")})
	if err != nil || len(c) != 1 {
		t.Fatalf("%+v %v", c, err)
	}
	if full, err := b.Get(t.Context(), c[0].ID); err != nil || *full.Entries[0].Before != account("old", "1") {
		t.Errorf("%+v %v", full, err)
	}
}

// Run records what is observed, the newest last.
func TestRun(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	told := make(chan Change, 10)
	b.OnRecorded(func(c Change) { told <- c })
	go func() { ended <- b.Run(ctx) }()
	b.edit("a.yaml", account("a", "1"))
	o := b.observe()
	b.Observe(o.objects, o.writes)
	if c := <-told; line(c) != "file file: +a" {
		t.Errorf("told of %s", line(c))
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("it ended with %v", err)
	}
}
