// Package merge joins two texts that were made from one, line by line (diff3).
//
// It is pure, and bounded: texts that would take too long to compare are said to
// differ where a longer look might have found lines in common, which makes more
// conflicts and never a wrong merge.
package merge

import (
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// Kind says what became of a hunk.
type Kind string

const (
	Same   Kind = "same"     // nobody changed it
	Theirs Kind = "theirs"   // only they changed it
	Mine   Kind = "mine"     // only I changed it
	Both   Kind = "both"     // both made the same change
	Clash  Kind = "conflict" // both changed it, differently: a person decides
)

// Hunk is a run of lines. Its texts are whole lines; the hunks of a merge, joined,
// give back each of the three texts byte for byte.
type Hunk struct {
	Kind   Kind   `json:"kind" enum:"same,theirs,mine,both,conflict"`
	Base   string `json:"base"`
	Theirs string `json:"theirs"`
	Mine   string `json:"mine"`
}

// Conflict is an object that somebody else changed since a change of it was begun.
type Conflict struct {
	Ref      mesh.Ref `json:"ref"`
	Base     string   `json:"base" doc:"What both were made from; empty when it is not known any more"`
	Theirs   string   `json:"theirs" doc:"What stands there now; empty when it is gone"`
	Mine     string   `json:"mine" doc:"What was to be written; empty when it was to be deleted"`
	ETag     string   `json:"etag,omitempty" doc:"Of what stands there now: what a merged text is to be written over"`
	TheirsBy *By      `json:"theirsBy,omitempty"`
	Hunks    []Hunk   `json:"hunks"`
	// Merged is the text without a conflict; nil when there is one.
	Merged *string `json:"merged,omitempty"`
}

// By says who made the change that is in the way.
type By struct {
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	Change string    `json:"change"`
}

// Lines merges what was made of base.
func Lines(base, theirs, mine string) []Hunk {
	words := &words{ids: map[string]int32{}}
	b, t, m := words.lines(base), words.lines(theirs), words.lines(mine)
	inTheirs, inMine := matches(b.ids, t.ids), matches(b.ids, m.ids)

	var out []Hunk
	add := func(h Hunk) {
		if n := len(out); n > 0 && out[n-1].Kind == h.Kind && h.Kind == Same {
			out[n-1].Base += h.Base
			out[n-1].Theirs += h.Theirs
			out[n-1].Mine += h.Mine
			return
		}
		out = append(out, h)
	}
	i, j, k := 0, 0, 0 // what is done of base, theirs, mine
	for i < len(b.ids) || j < len(t.ids) || k < len(m.ids) {
		end := i
		for end < len(b.ids) && inTheirs[end] == j+end-i && inMine[end] == k+end-i {
			end++
		}
		if n := end - i; n > 0 {
			text := b.text(i, end)
			add(Hunk{Same, text, text, text})
			i, j, k = end, j+n, k+n
			continue
		}
		for end < len(b.ids) && (inTheirs[end] < 0 || inMine[end] < 0) {
			end++
		}
		nextJ, nextK := len(t.ids), len(m.ids)
		if end < len(b.ids) {
			nextJ, nextK = inTheirs[end], inMine[end]
		}
		add(judge(b.text(i, end), t.text(j, nextJ), m.text(k, nextK)))
		i, j, k = end, nextJ, nextK
	}
	return out
}

// Whole is one hunk of three texts: for an object that was deleted on one side,
// where single lines say nothing.
func Whole(base, theirs, mine string) []Hunk { return []Hunk{judge(base, theirs, mine)} }

func judge(base, theirs, mine string) Hunk {
	h := Hunk{Base: base, Theirs: theirs, Mine: mine}
	switch {
	case theirs == mine && theirs == base:
		h.Kind = Same
	case theirs == mine:
		h.Kind = Both
	case mine == base:
		h.Kind = Theirs
	case theirs == base:
		h.Kind = Mine
	default:
		h.Kind = Clash
	}
	return h
}

// Merged is the text that the hunks make; false when one of them is a conflict.
func Merged(hunks []Hunk) (string, bool) {
	var out strings.Builder
	for _, h := range hunks {
		switch h.Kind {
		case Clash:
			return "", false
		case Theirs:
			out.WriteString(h.Theirs)
		default:
			out.WriteString(h.Mine)
		}
	}
	return out.String(), true
}

// words numbers lines, so that they are compared once.
type words struct{ ids map[string]int32 }

// lined is a text as lines.
type lined struct {
	lines []string // each with its end
	ids   []int32
}

func (w *words) lines(text string) lined {
	var out lined
	for line := range strings.Lines(text) {
		id, ok := w.ids[line]
		if !ok {
			id = int32(len(w.ids))
			w.ids[line] = id
		}
		out.lines, out.ids = append(out.lines, line), append(out.ids, id)
	}
	return out
}

func (l lined) text(from, to int) string { return strings.Join(l.lines[from:to], "") }
