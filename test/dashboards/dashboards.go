// Package dashboards checks the Grafana boards of the project: that they can be
// imported as they are, that every query is valid, and that every panel has
// data on a running mesh.
package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Board is a dashboard as far as the checks read it.
type Board struct {
	File          string `json:"-"`
	Title         string
	UID           string
	SchemaVersion int
	Templating    struct{ List []Variable }
	Panels        []Panel
}

// Variable of a board.
type Variable struct {
	Name       string
	Type       string
	Definition string
	Datasource Datasource
}

// Datasource of a panel, target or variable.
type Datasource struct{ Type, UID string }

// Panel of a board; rows may hold panels.
type Panel struct {
	ID          int
	Type        string
	Title       string
	Datasource  Datasource
	GridPos     struct{ X, Y, W, H int }
	Targets     []Target
	FieldConfig struct{ Defaults struct{ Unit string } }
	Panels      []Panel
}

// Target is one query of a panel.
type Target struct {
	RefID      string
	Expr       string
	Datasource Datasource
}

// Query is a target's query with the variables filled in.
type Query struct {
	Board, Panel, Ref string
	Expr              string
}

// String names the query as a person finds it.
func (q Query) String() string { return fmt.Sprintf("%s, panel %q, query %s", q.Board, q.Panel, q.Ref) }

// Load reads all boards of a folder, by file name.
func Load(folder fs.FS) ([]Board, error) {
	files, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, fmt.Errorf("list boards: %w", err)
	}
	var boards []Board
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, fmt.Errorf("read board: %w", err)
		}
		b := Board{File: file}
		if err := json.Unmarshal(text, &b); err != nil {
			return nil, fmt.Errorf("board %s: %w", file, err)
		}
		boards = append(boards, b)
	}
	return boards, nil
}

// All lists the board's panels, those within rows too.
func (b Board) All() []Panel {
	var out []Panel
	for _, p := range b.Panels {
		out = append(out, p)
		out = append(out, p.Panels...)
	}
	return out
}

// Fill says what stands in for variables. Those not in Values match anything.
type Fill struct {
	Interval time.Duration // for $__rate_interval, $__interval, $__range: 1 min when zero
	Values   map[string]string
}

var (
	intervals = regexp.MustCompile(`\$\{?__(rate_interval|interval|range)\}?`)
	variables = regexp.MustCompile(`\$\{?([A-Za-z][A-Za-z0-9_]*)(:[a-z]+)?\}?`)
)

// Expr fills in the variables of an expression.
func (f Fill) Expr(expr string) string {
	interval := f.Interval
	if interval == 0 {
		interval = time.Minute
	}
	expr = intervals.ReplaceAllString(expr, model.Duration(interval).String())
	return variables.ReplaceAllStringFunc(expr, func(s string) string {
		if v, ok := f.Values[variables.FindStringSubmatch(s)[1]]; ok {
			return v
		}
		return ".*"
	})
}

var labelValues = regexp.MustCompile(`^label_values\((.+),\s*[A-Za-z_][A-Za-z0-9_]*\)$`)

// Queries lists everything that the boards ask: their panels, and the series
// that their variables are read from.
func Queries(boards []Board, f Fill) []Query {
	var out []Query
	for _, b := range boards {
		for _, v := range b.Templating.List {
			if m := labelValues.FindStringSubmatch(v.Definition); m != nil {
				out = append(out, Query{b.Title, "variable " + v.Name, "values", f.Expr(m[1])})
			}
		}
		for _, p := range b.All() {
			for _, t := range p.Targets {
				out = append(out, Query{b.Title, p.Title, t.RefID, f.Expr(t.Expr)})
			}
		}
	}
	return out
}

// Check runs every query of the boards in a folder at this moment, and reports
// those that fail and those that give nothing, each by a line that names it. An
// error means that the boards could not be read.
func Check(ctx context.Context, api promv1.API, folder fs.FS, f Fill) ([]string, error) {
	boards, err := Load(folder)
	if err != nil {
		return nil, err
	}
	if len(boards) == 0 {
		return nil, fmt.Errorf("no boards in the folder")
	}
	var problems []string
	at := time.Now()
	for _, q := range Queries(boards, f) {
		value, _, _, err := api.Query(ctx, q.Expr, at)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: %v: %s", q, err, q.Expr))
		case !hasData(value):
			problems = append(problems, fmt.Sprintf("%s: no data: %s", q, q.Expr))
		}
	}
	return problems, nil
}

// hasData reports whether there is at least one number.
func hasData(v model.Value) bool {
	switch v := v.(type) {
	case model.Vector:
		return slices.ContainsFunc(v, func(s *model.Sample) bool { return !math.IsNaN(float64(s.Value)) })
	case *model.Scalar:
		return !math.IsNaN(float64(v.Value))
	default:
		return false
	}
}

// Overlaps lists pairs of panels that lie on one another.
func (b Board) Overlaps() []string {
	var out []string
	for i, p := range b.Panels {
		for _, o := range b.Panels[i+1:] {
			a, c := p.GridPos, o.GridPos
			if a.X < c.X+c.W && c.X < a.X+a.W && a.Y < c.Y+c.H && c.Y < a.Y+a.H {
				out = append(out, strings.Join([]string{p.Title, o.Title}, " and "))
			}
		}
	}
	return out
}
