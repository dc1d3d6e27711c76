package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh/plain"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// printAnswer says where a request goes, and then step by step who decided it.
func printAnswer(w io.Writer, a *simulate.Answer) {
	fmt.Fprintln(w, plain.Text(a.String()))
	if a.Note != "" {
		printWrapped(w, "  ", "  ", a.Note)
	}
	for _, d := range a.Decisions {
		printWrapped(w, "  ", strings.Repeat(" ", 17), fmt.Sprintf("%-14s %s", d.What, decided(d)))
		if d.Note != "" {
			printWrapped(w, strings.Repeat(" ", 17), strings.Repeat(" ", 17), d.Note)
		}
	}
}

// decided names a decision and who took it. What has no name of its own is
// called by the field that it stands in.
func decided(d simulate.Decision) string {
	var by []string
	for _, r := range d.From {
		by = append(by, r.String())
	}
	text, path := d.Name, d.Path
	switch {
	case text == "" && path != "":
		text, path = path, ""
	case text == "":
		text = "(default)"
	}
	if len(by) > 0 {
		text += "  ← " + strings.Join(by, ", ")
		if path != "" {
			text += " (" + path + ")"
		}
	}
	return text
}

func printTraces(w io.Writer, found []*traces.Trace) {
	header := []string{"trace", "start", "took", "spans", "errors", "services"}
	rows := make([][]string, 0, len(found))
	services := make([]string, 0, len(found))
	for _, t := range found {
		all := strings.Join(t.Services, " ")
		services = append(services, all)
		rows = append(rows, []string{
			t.ID, t.Start.Local().Format(time.TimeOnly), t.Duration.Round(100 * time.Microsecond).String(),
			fmt.Sprint(len(t.Spans)), fmt.Sprint(t.Errors), all,
		})
	}
	if columns := width(w); columns <= 0 || widest(layout(header, rows, asItIs)) <= columns {
		services = nil // else each stands below its trace
	}
	printFitted(w, []string{"services"}, header, rows, services, nil)
}

// barWidth is the length of the whole trace in characters.
const barWidth = 40

// printWaterfall draws the spans of a trace below one another, each where it
// stands in time.
func printWaterfall(w io.Writer, t traces.Trace) {
	depth := map[string]int{}
	rows := make([][]string, 0, len(t.Spans))
	for _, s := range t.Spans {
		if d, ok := depth[s.Parent]; ok && s.Parent != "" {
			depth[s.ID] = d + 1
		} else {
			depth[s.ID] = 0
		}
		from, length := 0, barWidth
		if t.Duration > 0 {
			from = int(barWidth * s.Start.Sub(t.Start) / t.Duration)
			length = int(barWidth * s.Duration / t.Duration)
		}
		from = min(max(from, 0), barWidth-1)
		length = min(max(length, 1), barWidth-from)
		bar := strings.Repeat(" ", from) + strings.Repeat("█", length)
		mark := ""
		if s.Error {
			mark = "error"
		}
		rows = append(rows, []string{
			strings.Repeat("  ", depth[s.ID]) + s.Service, s.Operation, s.Duration.Round(10 * time.Microsecond).String(), bar, mark,
		})
	}
	printFitted(w, []string{"operation"}, []string{"service", "operation", "took", "when", ""}, rows, nil, nil)
}
