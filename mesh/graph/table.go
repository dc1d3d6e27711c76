package graph

import (
	"io"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh/plain"
)

// spareFigures are the columns that a narrow table does without, the first one
// goes first. What is left says who calls whom, how often, and how well.
var spareFigures = []string{"P50", "P99", "PROTOCOL", "HEALTH", "P95", "TLS"}

// Table writes one line per edge, then the idle nodes. Where that is wider than
// so many columns, the edges stand below their source, and then without some of
// their figures; 0 is no bound.
func Table(w io.Writer, g *Graph, columns int) error {
	titles := titles(g)
	rows := [][]string{{"SOURCE", "TARGET", "PROTOCOL", "RATE", "ERRORS", "P50", "P95", "P99", "TLS", "HEALTH"}}
	for _, e := range g.Edges {
		rows = append(rows, []string{
			titles[e.Source], titles[e.Target], plain.Text(string(e.Protocol)), e.rate(), percent(e.ErrorShare),
			millis(e.P50), millis(e.P95), millis(e.P99), e.tls(), plain.Text(string(e.Health.State)),
		})
	}
	lines := aligned(rows)
	if columns > 0 && widest(lines) > columns {
		lines = bySource(rows)
		for _, name := range spareFigures {
			if widest(lines) <= columns {
				break
			}
			i := slices.Index(rows[0], name)
			for k, row := range rows {
				rows[k] = slices.Delete(row, i, i+1)
			}
			lines = bySource(rows)
		}
	}
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return err
	}
	return idleLine(w, g, columns)
}

// bySource sets rows, the header first, with the first cell of those that have
// it in common on a line of its own above them.
func bySource(rows [][]string) []string {
	const indent = "  "
	rest := make([][]string, len(rows))
	for i, row := range rows {
		rest[i] = row[1:]
	}
	var lines []string
	source := ""
	for i, line := range aligned(rest) {
		if rows[i][0] != source {
			source = rows[i][0]
			lines = append(lines, source)
		}
		lines = append(lines, indent+line)
	}
	return lines
}

// aligned sets the cells of rows below one another.
func aligned(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], length(cell))
		}
	}
	lines := make([]string, len(rows))
	for k, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-length(cell)+2))
		}
		lines[k] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

func widest(lines []string) int {
	n := 0
	for _, line := range lines {
		n = max(n, length(line))
	}
	return n
}
