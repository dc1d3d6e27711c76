package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// printAnswer says where a request goes, and then step by step who decided it.
func printAnswer(w io.Writer, a *simulate.Answer) {
	fmt.Fprintln(w, a.String())
	for _, d := range a.Decisions {
		line := fmt.Sprintf("  %-14s %s", d.What, d.Name)
		if len(d.From) > 0 {
			names := make([]string, len(d.From))
			for i, r := range d.From {
				names[i] = r.String()
			}
			line += "  ← " + strings.Join(names, ", ")
			if d.Path != "" {
				line += " (" + d.Path + ")"
			}
		}
		fmt.Fprintln(w, line)
	}
	if slices.ContainsFunc(a.Clusters, func(s simulate.Share) bool { return s.Cluster == names.Passthrough }) {
		fmt.Fprintln(w, "No service of the mesh has this name and port: Envoy sends the request on to the address that the caller dials.")
	}
}

func printTraces(w io.Writer, found []*traces.Trace) {
	rows := make([][]string, 0, len(found))
	for _, t := range found {
		rows = append(rows, []string{
			t.ID, t.Start.Local().Format(time.TimeOnly), t.Duration.Round(100 * time.Microsecond).String(),
			fmt.Sprint(len(t.Spans)), fmt.Sprint(t.Errors), strings.Join(t.Services, " "),
		})
	}
	printTable(w, []string{"trace", "start", "took", "spans", "errors", "services"}, rows)
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
	printTable(w, []string{"service", "operation", "took", "when", ""}, rows)
}
