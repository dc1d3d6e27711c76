package graph

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/heddle-mesh/heddle/mesh/plain"
)

// Title is what to call a node in a list of nodes of all namespaces. It can be
// shown on a terminal, whatever the labels of metrics held.
func (n Node) Title() string { return plain.Text(n.title()) }

func (n Node) title() string {
	switch {
	case n.Namespace == "" || n.External:
		return n.Name
	case n.Kind == KindVersionedApp && n.Version != "" && n.Version != "latest":
		return n.App + "." + n.Namespace + " " + n.Version
	default:
		return n.Name + "." + n.Namespace
	}
}

// note is what is worth saying about a node besides its title.
func (n Node) note() string {
	var words []string
	if n.Gateway {
		words = append(words, "gateway")
	}
	if n.Pods.Total > 0 && !n.Meshed && !n.Gateway {
		words = append(words, "no sidecar")
	}
	if n.External {
		words = append(words, "outside the mesh")
	}
	if n.Pods.Ready < n.Pods.Total {
		words = append(words, fmt.Sprintf("%d of %d pods ready", n.Pods.Ready, n.Pods.Total))
	}
	if len(words) == 0 {
		return ""
	}
	return "(" + strings.Join(words, ", ") + ")"
}

func idleLine(w io.Writer, g *Graph, columns int) error {
	var idle []string
	for _, n := range g.Nodes {
		if n.Idle {
			idle = append(idle, n.Title())
		}
	}
	if len(idle) == 0 {
		return nil
	}
	text, line := "", "idle:"
	for i, name := range idle {
		if i < len(idle)-1 {
			name += ","
		}
		if columns > 0 && length(line)+1+length(name) > columns && strings.TrimSpace(line) != "idle:" {
			text += line + "\n"
			line = "     "
		}
		line += " " + name
	}
	_, err := io.WriteString(w, "\n"+text+line+"\n")
	return err
}

// Tree writes the graph as trees that begin where traffic begins. A node that
// was written before is named again, without what lies below it. What does not
// fit beside a node in so many columns stands below it; 0 is no bound.
func Tree(w io.Writer, g *Graph, columns int) error {
	t := tree{nodes: map[string]Node{}, out: map[string][]Edge{}, shown: map[string]bool{}}
	called := map[string]bool{}
	for _, n := range g.Nodes {
		t.nodes[n.ID] = n
	}
	for _, e := range g.Edges {
		t.out[e.Source] = append(t.out[e.Source], e)
		if e.Source != e.Target {
			called[e.Target] = true
		}
	}
	for _, first := range []bool{true, false} { // then what is only in circles
		for _, n := range g.Nodes {
			if len(t.out[n.ID]) > 0 && !t.shown[n.ID] && (!called[n.ID] || !first) {
				t.root(n)
			}
		}
	}
	text := ""
	if len(g.Edges) == 0 {
		text = "no traffic in the last " + strconv.Itoa(int(math.Round(g.Seconds))) + " s\n"
	}
	for _, line := range t.set(columns) {
		text += strings.TrimRight(line, " ") + "\n"
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return idleLine(w, g, columns)
}

type tree struct {
	nodes map[string]Node
	out   map[string][]Edge
	shown map[string]bool
	rows  []row
}

// row is a node of a tree: its branch and title, the figures of the edge to it,
// and what is worth saying besides. Under is what the branches below and beside
// it put on a line of its own that belongs to it.
type row struct{ title, figures, note, under string }

func (t *tree) root(n Node) {
	t.rows = append(t.rows, row{n.Title(), "", n.note(), "│"})
	t.below(n.ID, "")
}

func (t *tree) below(id, indent string) {
	t.shown[id] = true
	for i, e := range t.out[id] {
		branch, next := "├─ ", "│  "
		if i == len(t.out[id])-1 {
			branch, next = "└─ ", "   "
		}
		n := t.nodes[e.Target]
		again := t.shown[e.Target] && len(t.out[e.Target]) > 0
		r := row{indent + branch + n.Title(), e.summary(), n.note(), indent + next}
		switch {
		case again:
			r.note = strings.TrimLeft(r.note+" (see above)", " ")
		case len(t.out[e.Target]) > 0:
			r.under += "│"
		}
		t.rows = append(t.rows, r)
		if !again {
			t.below(e.Target, indent+next)
		}
	}
}

// set puts the figures of all rows below one another, on lines of at most so many
// columns where their words allow it.
func (t *tree) set(columns int) []string {
	const gap = 2
	at, figures := 0, 0
	for _, r := range t.rows {
		at, figures = max(at, length(r.title)), max(figures, length(r.figures))
	}
	at += gap
	if columns > 0 {
		at = max(min(at, columns-figures), gap)
	}
	var lines []string
	for _, r := range t.rows {
		line := r.title
		for _, part := range []string{r.figures, r.note} {
			if part == "" {
				continue
			}
			from := max(at, length(line)+gap)
			if columns > 0 && from+length(part) > columns {
				lines = append(lines, line)
				line = r.under
				from = max(min(at, columns-length(part)), length(line)+gap)
			}
			line += strings.Repeat(" ", from-length(line)) + part
		}
		lines = append(lines, line)
	}
	return lines
}

func length(s string) int { return utf8.RuneCountInString(s) }

// summary is the figures of an edge in a few words.
func (e Edge) summary() string {
	errors, p95 := percent(e.ErrorShare)+" err", "p95 "+millis(e.P95)
	if e.Protocol == TCP {
		p95 = ""
	}
	return fmt.Sprintf("%11s  %10s  %-11s  %-4s  %s", e.rate(), errors, p95, plain.Text(string(e.Protocol)), e.tls())
}

// Dot writes the graph for Graphviz.
func Dot(w io.Writer, g *Graph) error {
	var b strings.Builder
	b.WriteString("digraph mesh {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n")
	for _, n := range g.Nodes {
		style := ""
		if n.Idle {
			style = ", color=gray, fontcolor=gray"
		} else if n.Health.State == Failing || n.Health.State == Degraded {
			style = ", color=red"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", quote(n.ID), quote(n.Title()), style)
	}
	for _, e := range g.Edges {
		label := e.rate()
		if e.ErrorShare > 0 {
			label += "\n" + percent(e.ErrorShare) + " err"
		}
		style := ""
		if e.Health.State == Failing || e.Health.State == Degraded {
			style = ", color=red"
		}
		if e.MutualTLS != nil && *e.MutualTLS == 0 {
			style += ", style=dashed"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s];\n", quote(e.Source), quote(e.Target), quote(label), style)
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// quote is a quoted string of the DOT language; its lines stay lines.
func quote(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain.Text(line))
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}

func titles(g *Graph) map[string]string {
	out := make(map[string]string, len(g.Nodes))
	for _, n := range g.Nodes {
		out[n.ID] = n.Title()
	}
	return out
}

func (e Edge) rate() string {
	if e.Protocol == TCP {
		return size(e.Received+e.Sent) + "/s"
	}
	return strconv.FormatFloat(e.Rate, 'f', 2, 64) + "/s"
}

// tls says in a word how the traffic is protected.
func (e Edge) tls() string {
	switch {
	case e.MutualTLS == nil:
		return "-"
	case *e.MutualTLS == 1:
		return "mTLS"
	case *e.MutualTLS == 0:
		return "plaintext"
	default:
		return percent(*e.MutualTLS) + " mTLS"
	}
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'f', 1, 64) + "%" }

func millis(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 10_000:
		return strconv.FormatFloat(*v/1000, 'f', 1, 64) + " s"
	case *v >= 100:
		return strconv.FormatFloat(*v, 'f', 0, 64) + " ms"
	default:
		return strconv.FormatFloat(*v, 'f', 1, 64) + " ms"
	}
}

func size(bytes float64) string {
	units := []string{"B", "kB", "MB", "GB"}
	i := 0
	for bytes >= 1000 && i < len(units)-1 {
		bytes /= 1000
		i++
	}
	if i == 0 {
		return strconv.FormatFloat(bytes, 'f', 0, 64) + " " + units[i]
	}
	return strconv.FormatFloat(bytes, 'f', 1, 64) + " " + units[i]
}
