package api

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

type checkInput struct {
	Body struct {
		Manifests []Manifest `json:"manifests" minItems:"1" maxItems:"500"`
		Live      bool       `json:"live,omitempty" doc:"Together with the running mesh, as if the manifests were written to it; otherwise what is not in the manifests does not exist"`
	}
}

// Checked is a finding in a manifest.
type Checked struct {
	mesh.Finding
	SameAs       []string `json:"sameAs" doc:"Codes of other tools that mean the same"`
	DocumentLine int      `json:"documentLine" doc:"First line of the document in its file, from 1"`
	Splices      []Splice `json:"splices" doc:"The fix as replacements in the file's text, which all apply to the text as it was sent; empty when there is none, or it cannot be told"`
	Elsewhere    []Fix    `json:"elsewhere" doc:"Fixes that lie in other objects"`
}

// Splice puts other text in the place of a part of a manifest's text. Offsets
// count UTF-16 code units, as browsers do.
type Splice struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Insert string `json:"insert"`
}

// Standing says how an object of a manifest stands to the one in the mesh.
type Standing struct {
	File  string   `json:"file"`
	Line  int      `json:"line" doc:"First line of the object in its file, from 1"`
	Ref   mesh.Ref `json:"ref"`
	State string   `json:"state" enum:"new,changed,unchanged"`
	ETag  string   `json:"etag,omitempty" doc:"Of the object in the mesh"`
}

// Untold is something that a check could not tell.
type Untold struct {
	Code   string            `json:"code"`
	Ref    *mesh.Ref         `json:"ref,omitempty" doc:"The object that it could not be told of; absent when it is all"`
	Needs  []validate.Aspect `json:"needs,omitempty" doc:"What was not observed"`
	Effort bool              `json:"effort,omitempty" doc:"Broken off, because too many objects have to do with each other"`
}

type checkOutput struct {
	Body struct {
		Findings   []Checked  `json:"findings"`
		Documents  []Standing `json:"documents"`
		CannotTell []Untold   `json:"cannotTell"`
	}
}

// check says what is wrong with manifests, and writes nothing.
func (h *Handlers) check(ctx context.Context, in *checkInput) (*checkOutput, error) {
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	answer, units, err := h.checked(ctx, in.Body.Manifests, in.Body.Live, nil, present)
	if err != nil {
		return nil, err
	}

	out := &checkOutput{}
	out.Body.Findings, out.Body.Documents, out.Body.CannotTell = []Checked{}, []Standing{}, []Untold{}
	for _, l := range answer.Findings {
		out.Body.Findings = append(out.Body.Findings, checkedOf(l, units))
	}
	for _, held := range answer.Held {
		if held.Ref.Name != "" {
			out.Body.Documents = append(out.Body.Documents, standingOf(ctx, held, present))
		}
	}
	for _, u := range answer.Unknown {
		untold := Untold{Code: u.Code, Needs: u.Needs, Effort: u.Effort}
		if u.Ref.Name != "" {
			untold.Ref = &u.Ref
		}
		out.Body.CannotTell = append(out.Body.CannotTell, untold)
	}
	return out, nil
}

// checkedOf shows a finding; units are of the texts, by the names of their files.
func checkedOf(l validate.Located, units map[string]*codeUnits) Checked {
	out := Checked{Finding: briefFinding(l.Finding), SameAs: l.SameAs, DocumentLine: l.DocumentLine, Splices: []Splice{}, Elsewhere: elsewhereOf(l, units)}
	if out.SameAs == nil {
		out.SameAs = []string{}
	}
	own := units[l.File]
	if own == nil {
		return out
	}
	out.Splices = splicesOf(l.Splices, own)
	if len(out.Splices) == 0 {
		out.Splices = append(out.Splices, respell(l.Finding, own)...)
	}
	return out
}

// respell puts the word that was probably meant in the place of a misspelt one,
// if the finding knows it and the text has the other there.
func respell(f mesh.Finding, units *codeUnits) []Splice {
	found, near := f.Params[config.ParamFound], f.Params[config.ParamNear]
	if found == "" || near == "" || f.Line == 0 || f.Column == 0 {
		return nil
	}
	at, ok := units.at(f.Line, f.Column)
	if !ok {
		return nil
	}
	if rest := units.text[at:]; rest != "" && (rest[0] == '"' || rest[0] == '\'') && !strings.HasPrefix(rest, found) {
		at++
	}
	if !strings.HasPrefix(units.text[at:], found) {
		return nil
	}
	return []Splice{{From: units.before(at), To: units.before(at + len(found)), Insert: near}}
}

// standingOf compares an object of a manifest with the mesh. Whether a Secret is
// the one that is there is told to the owner alone: anybody could guess at it.
func standingOf(ctx context.Context, held validate.Held, present mesh.Table[mesh.Ref, *mesh.Object]) Standing {
	out := Standing{File: held.File, Line: held.Line, Ref: held.Ref, State: "new"}
	if old, ok := present.Get(held.Ref); ok {
		out.State, out.ETag = "changed", tagOf(ctx, old)
		if out.ETag != "" && bytes.Equal(bytes.TrimSpace(old.Text), bytes.TrimSpace(held.Text)) {
			out.State = "unchanged"
		}
	}
	return out
}

// codeUnits counts the UTF-16 code units of a text, and finds places in it. There
// are as many questions as findings: none may cost as much as the text is long.
type codeUnits struct {
	text  string
	marks []mark // for every stride-th byte, or the character that it is in
	lines []int  // where they begin
}

// mark is what stands before a place.
type mark struct{ units, characters int }

// stride is how many bytes are counted at most to answer.
const stride = 4096

func newCodeUnits(text string) *codeUnits {
	c := &codeUnits{text: text, lines: []int{0}}
	n := mark{}
	for i, r := range text {
		for len(c.marks)*stride <= i {
			c.marks = append(c.marks, n)
		}
		n.units += utf16.RuneLen(r)
		n.characters++
		if r == '\n' {
			c.lines = append(c.lines, i+1)
		}
	}
	return c
}

// at is the offset in bytes of a line and a column, which counts characters, both
// from 1; it is not ok behind the end of the text.
func (c *codeUnits) at(line, column int) (offset int, ok bool) {
	if line > len(c.lines) || len(c.marks) == 0 {
		return 0, false
	}
	left := c.count(c.lines[line-1]).characters + column - 1
	i, exact := slices.BinarySearchFunc(c.marks, left, func(m mark, n int) int { return m.characters - n })
	if !exact {
		i--
	}
	left -= c.marks[i].characters
	for j := range c.text[c.character(i):] {
		if left == 0 {
			return c.character(i) + j, true
		}
		left--
	}
	return 0, false
}

// character is where the first character begins that mark i does not count.
func (c *codeUnits) character(i int) int {
	at := i * stride
	for at < len(c.text) && !utf8.RuneStart(c.text[at]) {
		at++
	}
	return at
}

// before is how many stand before an offset in bytes, at which a character
// begins or the text ends.
func (c *codeUnits) before(at int) int { return c.count(at).units }

// count is what stands before such an offset.
func (c *codeUnits) count(at int) mark {
	if len(c.marks) == 0 {
		return mark{}
	}
	i := min(at/stride, len(c.marks)-1)
	n := c.marks[i]
	from := min(c.character(i), at)
	for _, r := range c.text[from:at] {
		n.units += utf16.RuneLen(r)
		n.characters++
	}
	return n
}
