package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestNear(t *testing.T) {
	words := []string{"reviews", "ratings", "v1", "v2", "red"}
	for name, want := range map[string]string{
		"reviws": "reviews", "Reviews": "reviews", "rivewes": "", "ratigns": "ratings", "details": "",
		"v3": "", // like two
		"v":  "", "rad": "red", "": "", "blue": "",
	} {
		if got := near(name, words); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// What is dear is asked of the words that are like the name, and of few of them;
// no letters are compared once there is nothing left for it.
func TestNearFitting(t *testing.T) {
	var words []string
	for i := range 1000 {
		words = append(words, fmt.Sprintf("word-%03d", i))
	}
	words = append(words, "wording", "much longer than any of the others")
	for n, want := range map[int]string{30: "word-023", 1002: ""} { // of all of them too many are alike
		asked, left := 0, n
		got := nearFitting("wort-123", words[:n], &left, func(word string) bool {
			asked++
			return word == "word-023"
		})
		if got != want || asked > maxAsked {
			t.Errorf("of %d: %q, want %q; asked of %d", n, got, want, asked)
		}
		if want := max(0, n-1001); left != want { // one of another length is passed by
			t.Errorf("of %d names %d are not compared, want %d", n, left, want)
		}
	}
	left := 500
	if got := nearFitting("word-12x", words, &left, func(string) bool { return true }); got != "" || left != 0 {
		t.Errorf("%q, though not all names were compared; %d left", got, left)
	}
}

// TestGuessesAreBounded holds what one object may cost in which thousands of names
// are wrong: some steps for each of them, and so many for each name that there is
// as guesses are made. Nothing ends a single unit of work early.
func TestGuessesAreBounded(t *testing.T) {
	// No two are like each other.
	name := func(i int) string { return fmt.Sprintf("s%[1]d-%[1]d-%[1]d", 1000+i) }
	for code, text := range map[string]func(wrong, right int) string{
		"HDL2101": func(wrong, right int) string {
			var b strings.Builder
			for i := range right {
				fmt.Fprintf(&b, "%s---\n", service(name(i)))
			}
			b.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n")
			for i := range wrong {
				fmt.Fprintf(&b, "  - {match: [{uri: {exact: /%d}}], route: [{destination: {host: %sx}}]}\n", i, name(i%right))
			}
			return b.String()
		},
		"HDL2104": func(wrong, right int) string {
			var b strings.Builder
			b.WriteString(service("a") + "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n  host: a\n  subsets:\n")
			for i := range right {
				fmt.Fprintf(&b, "  - {name: %s, labels: {a: b}}\n", name(i))
			}
			b.WriteString("---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n")
			for i := range wrong {
				fmt.Fprintf(&b, "  - {match: [{uri: {exact: /%d}}], route: [{destination: {host: a, subset: %sx}}]}\n", i, name(i%right))
			}
			return b.String()
		},
	} {
		at := slices.IndexFunc(List, func(c Check) bool { return c.Code == code })
		// The small one comes first: where the work grows with the product of both
		// numbers it is told in time.
		for _, size := range []struct{ wrong, right int }{{100, 100}, {8192, 1000}} {
			s := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, text(size.wrong, size.right))})
			u := &unit{check: &List[at], key: Key{Ref: s.Kind(mesh.KindVirtualService)[0].Ref}}
			x := newIndex(s)
			allocations := int(testing.AllocsPerRun(1, func() { u.run(x, Evidence{}, false) }))
			steps := size.wrong + (maxGuesses+1)*size.right
			t.Logf("%s: %d wrong of %d: effort %d, %d allocations", code, size.wrong, size.right, u.effort, allocations)
			if u.effort > 2*steps || allocations > 100*steps {
				t.Fatalf("%s: %d wrong of %d took an effort of %d and %d allocations", code, size.wrong, size.right, u.effort, allocations)
			}
			if u.effort < maxGuesses*size.right {
				t.Errorf("%s: an effort of %d: the names that were compared are not counted", code, u.effort)
			}
			fixes, names := 0, map[string]bool{}
			for _, f := range u.found {
				fixes += len(f.Fix)
				if len(f.Fix) > 0 {
					names[f.Fix[0].Value] = true
				}
				if (len(f.Fix) == 0) != f.Unsought {
					t.Fatalf("%s at %s: fix %v, unsought %v", code, f.Path, f.Fix, f.Unsought)
				}
			}
			// The same name is wrong again and again: it is put right everywhere.
			if again := size.wrong/size.right + 1; len(u.found) != size.wrong || len(names) != maxGuesses || fixes < maxGuesses || fixes > again*maxGuesses {
				t.Errorf("%s: %d findings, %d of them with a fix, for %d names", code, len(u.found), fixes, len(names))
			}
			// Every other one has its fix as well, once it is asked for: that takes no
			// more than to compare one name.
			last := u.found[len(u.found)-1]
			own := *x
			own.wanted = last.Path
			u.run(&own, Evidence{}, false)
			i := slices.IndexFunc(u.found, func(f mesh.Finding) bool { return f.Path == last.Path })
			if i < 0 || u.found[i].Unsought || len(u.found[i].Fix) != 1 {
				t.Errorf("%s: nothing is found for %s alone", code, last.Path)
			}
			if most := 4*size.wrong + 2*size.right; u.effort > most {
				t.Errorf("%s: to ask for one of %d findings takes an effort of %d, more than %d", code, size.wrong, u.effort, most)
			}
		}
	}
}

// A name with a letter wrong is put right by one click; what is like nothing, like
// two, or would only lead to the next mistake, is not. That the edits mend it and
// break nothing else is what TestFixes says.
func TestNearDestinations(t *testing.T) {
	c := readCase(t, "testdata/virtualservice/destination-near.txtar")
	got := map[string]string{}
	for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
		if f.Code != "HDL2101" && f.Code != "HDL2104" {
			continue
		}
		if (f.Params["near"] == "") != (len(f.Fix) == 0) {
			t.Errorf("%s %s: near %q, fix %v", f.Ref, f.Path, f.Params["near"], f.Fix)
		}
		if near := f.Params["near"]; near != "" {
			got[f.Ref.Name+" "+f.Path] = near
		}
	}
	want := map[string]string{
		"near spec.http[0].route[0].destination.host":   "weather",
		"near spec.http[1].route[0].destination.host":   "history.archive.svc.cluster.local",
		"near spec.http[2].route[0].destination.subset": "stable",
		"near spec.http[3].mirror.host":                 "weather", // though the route leads there too
		"near spec.http[4].mirror.subset":               "stable",
		"near spec.http[6].route[0].destination.subset": "canary",
	}
	if !maps.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestNearInjection(t *testing.T) {
	c := readCase(t, "testdata/injection/values.txtar")
	got := map[string]string{}
	for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
		if f.Code == "HDL2828" && len(f.Fix) > 0 {
			got[f.Ref.Name] = f.Params["near"]
		}
	}
	want := map[string]string{"short": "enabled", "misspelt": "enabled", "upper": "disabled", "yes": "enabled"}
	if !maps.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}
