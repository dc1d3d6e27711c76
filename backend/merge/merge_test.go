package merge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLines(t *testing.T) {
	const base = "hosts: [reviews]\nhttp:\n- route:\n  - destination: v1\n    weight: 100\n  timeout: 2s\n"
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(base) }
	tests := []struct {
		name               string
		base, theirs, mine string
		kinds              []Kind
		merged             string
		clean              bool
	}{
		{"nobody", base, base, base, []Kind{Same}, base, true},
		{"only I", base, base, change("2s", "3s"), []Kind{Same, Mine}, change("2s", "3s"), true},
		{"only they", base, change("2s", "3s"), base, []Kind{Same, Theirs}, change("2s", "3s"), true},
		{"both the same", base, change("2s", "3s"), change("2s", "3s"), []Kind{Same, Both}, change("2s", "3s"), true},
		{"different places", base, change("[reviews]", "[reviews, r2]"), change("2s", "3s"), []Kind{Theirs, Same, Mine}, change("[reviews]", "[reviews, r2]", "2s", "3s"), true},
		{"the same place", base, change("100", "70"), change("100", "90"), []Kind{Same, Clash, Same}, "", false},
		{"one removed what the other changed", base, change("  timeout: 2s\n", ""), change("2s", "3s"), []Kind{Same, Clash}, "", false},
		{"no end of line", "a\nm\nb", "a\nm\nb\nc", "x\nm\nb", []Kind{Mine, Same, Theirs}, "x\nm\nb\nc", true},
		{"nothing in common", "", "a\n", "b\n", []Kind{Clash}, "", false},
		{"all empty", "", "", "", nil, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hunks := Lines(tt.base, tt.theirs, tt.mine)
			var kinds []Kind
			for _, h := range hunks {
				kinds = append(kinds, h.Kind)
			}
			if diff := cmp.Diff(tt.kinds, kinds); diff != "" {
				t.Errorf("kinds: %s", diff)
			}
			if merged, clean := Merged(hunks); merged != tt.merged || clean != tt.clean {
				t.Errorf("merged %v: %q, want %v: %q", clean, merged, tt.clean, tt.merged)
			}
			whole(t, tt.base, tt.theirs, tt.mine, hunks)
		})
	}
}

// whole checks that no byte of any text is lost, and that each hunk is what it
// says.
func whole(t interface{ Errorf(string, ...any) }, base, theirs, mine string, hunks []Hunk) {
	var b, th, m strings.Builder
	for _, h := range hunks {
		b.WriteString(h.Base)
		th.WriteString(h.Theirs)
		m.WriteString(h.Mine)
		if again := judge(h.Base, h.Theirs, h.Mine); again.Kind != h.Kind {
			t.Errorf("a hunk says %s and is %s: %+v", h.Kind, again.Kind, h)
		}
	}
	if b.String() != base || th.String() != theirs || m.String() != mine {
		t.Errorf("the hunks are other texts: %q %q %q of %q %q %q", b.String(), th.String(), m.String(), base, theirs, mine)
	}
}

// texts are of few different lines, so that they have much in common.
var texts = rapid.Custom(func(t *rapid.T) string {
	text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "  d: 1\n", "\n", "e\r\n"}), 0, 12).Draw(t, "lines"), "")
	if rapid.Bool().Draw(t, "open end") {
		text = strings.TrimSuffix(text, "\n")
	}
	return text
})

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, theirs, mine := texts.Draw(t, "base"), texts.Draw(t, "theirs"), texts.Draw(t, "mine")
		hunks := Lines(base, theirs, mine)
		whole(t, base, theirs, mine, hunks)

		same := func(what, want, base, theirs, mine string) {
			if got, clean := Merged(Lines(base, theirs, mine)); !clean || got != want {
				t.Errorf("%s: %v %q, want %q", what, clean, got, want)
			}
		}
		same("only I changed it", mine, base, base, mine)
		same("only they changed it", theirs, base, theirs, base)
		same("both made the same change", mine, base, mine, mine)

		// Who looks from the other side sees the same, mirrored.
		mirrored := Lines(base, mine, theirs)
		if len(mirrored) != len(hunks) {
			t.Fatalf("%d hunks, from the other side %d", len(hunks), len(mirrored))
		}
		for i, h := range hunks {
			if m := mirrored[i]; m.Base != h.Base || m.Mine != h.Theirs || m.Theirs != h.Mine || (m.Kind == Clash) != (h.Kind == Clash) {
				t.Errorf("hunk %d: %+v, from the other side %+v", i, h, m)
			}
		}
	})
}

// Matches are lines that are equal, in ascending order, and as many as there can be.
func TestMatchesAreLongest(t *testing.T) {
	lines := rapid.SliceOfN(rapid.Int32Range(0, 3), 0, 14)
	rapid.Check(t, func(t *rapid.T) {
		a, b := lines.Draw(t, "a"), lines.Draw(t, "b")
		at, last, n := matches(a, b), -1, 0
		for i, j := range at {
			if j < 0 {
				continue
			}
			if j <= last || a[i] != b[j] {
				t.Fatalf("line %d is matched with %d: %v %v %v", i, j, a, b, at)
			}
			last, n = j, n+1
		}
		best := make([][]int, len(a)+1)
		for i := range best {
			best[i] = make([]int, len(b)+1)
		}
		for i := range a {
			for j := range b {
				best[i+1][j+1] = max(best[i][j+1], best[i+1][j])
				if a[i] == b[j] {
					best[i+1][j+1] = max(best[i+1][j+1], best[i][j]+1)
				}
			}
		}
		if n != best[len(a)][len(b)] {
			t.Fatalf("%d matches of %d: %v %v", n, best[len(a)][len(b)], a, b)
		}
	})
}

// Texts made to take long are compared in bounded time, and nothing is lost.
func TestHostileTextsAreBounded(t *testing.T) {
	var few, more, unique, turned strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&few, "%d\n", i*i%7)
		fmt.Fprintf(&more, "%d\n", (i*i+3)%11)
		fmt.Fprintf(&unique, "line %d\n", i)
		fmt.Fprintf(&turned, "line %d\n", (i*7919)%60_000)
	}
	for _, texts := range [][3]string{
		{few.String(), more.String(), unique.String()},
		{unique.String(), turned.String(), few.String()},
		{turned.String(), unique.String(), more.String()},
	} {
		whole(t, texts[0], texts[1], texts[2], Lines(texts[0], texts[1], texts[2]))
	}
}

// A large text with changes far apart is merged by what is in common, also where
// there are too many differences to count them.
func TestManyDifferences(t *testing.T) {
	var base, theirs, mine, want strings.Builder
	for i := range 20_000 {
		line := fmt.Sprintf("line %d\n", i)
		base.WriteString(line)
		for _, side := range []struct {
			out  *strings.Builder
			rest int
		}{{&theirs, 0}, {&mine, 3}} {
			if i%6 == side.rest {
				fmt.Fprintf(side.out, "changed %d\n", i)
			} else {
				side.out.WriteString(line)
			}
		}
		if i%3 == 0 {
			fmt.Fprintf(&want, "changed %d\n", i)
		} else {
			want.WriteString(line)
		}
	}
	if merged, clean := Merged(Lines(base.String(), theirs.String(), mine.String())); !clean || merged != want.String() {
		t.Errorf("clean %v, %d bytes of %d", clean, len(merged), want.Len())
	}
}
