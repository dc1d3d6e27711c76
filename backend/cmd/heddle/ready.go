package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// patience is how long a mesh may take to be ready before a person is told what
// it waits for.
const patience = 10 * time.Second

// progress shows how far a mesh is that starts.
type progress struct {
	w     io.Writer
	began time.Time
	live  bool // w is a terminal, where one line can be written anew

	best  int // the most pods that were ready
	shown string
	told  bool // what it waits for
}

func newProgress(w io.Writer, began time.Time) *progress {
	return &progress{w: w, began: began, live: coloured(w)}
}

// see takes in how the mesh is. A pod that comes and goes does not move the
// count; once told what it waits for, a person needs no count.
func (p *progress) see(s local.Status, now time.Time) {
	wished, ready := count(s)
	p.best = max(p.best, ready)
	if line := fmt.Sprintf("%d of %d pods ready", min(p.best, wished), wished); p.live && !p.told && wished > 0 && line != p.shown {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.shown = line
	}
	if late := now.Sub(p.began); late >= patience && !p.told && !s.Ready() && s.Loaded {
		p.clear()
		p.told = true
		fmt.Fprintf(p.w, "after %.0f s %d of %d pods are ready. It waits for:\n", late.Seconds(), ready, wished)
		for _, line := range obstacles(s) {
			printWrapped(p.w, "  ", "    ", line)
		}
		fmt.Fprintln(p.w, "What is ready can be used:")
		printAddresses(p.w, s)
	}
}

// clear takes the line away that is written anew.
func (p *progress) clear() {
	if p.live && p.shown != "" {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.shown = ""
}

// wait shows how far the mesh is until it is ready; false when ctx ended before
// that. The status is the last one that was seen.
func (p *progress) wait(ctx context.Context, c *local.Client) (last local.Status, ready bool) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	defer p.clear()
	for {
		if status, err := c.Status(ctx); err == nil {
			last = status
			if status.Ready() {
				return last, true
			}
			p.see(status, time.Now())
		}
		select {
		case <-ctx.Done():
			return last, false
		case <-tick.C:
		}
	}
}

// count is how many pods are wished for, and how many of those are ready.
func count(s local.Status) (wished, ready int) {
	for _, d := range s.Deployments {
		wished += d.Replicas
		ready += min(d.Ready, d.Replicas)
	}
	return wished, ready
}

// obstacles says what keeps a mesh from being ready.
func obstacles(s local.Status) []string {
	var out []string
	if !s.ControlPlane.Absent && !s.ControlPlane.Connected {
		text := "the control plane, which starts"
		if s.ControlPlane.Error != "" {
			text = "the control plane: " + s.ControlPlane.Error
		}
		out = append(out, text)
	}
	for _, f := range s.Findings {
		if f.Severity == mesh.Error {
			out = append(out, findingLine(f))
		}
	}
	for _, p := range s.Pods {
		explained := slices.ContainsFunc(s.Findings, func(f mesh.Finding) bool {
			return f.Severity == mesh.Error && f.Params["pod"] == p.Name && f.Ref.Namespace == p.Namespace
		})
		if !p.Ready && !explained && p.Phase != "Terminating" {
			out = append(out, fmt.Sprintf("pod %s/%s: %s", p.Namespace, p.Name, unready(p)))
		}
	}
	if len(out) == 0 {
		out = append(out, "pods that learn of each other")
	}
	return out
}

// unready says why a pod is not ready.
func unready(p local.PodStatus) string {
	if p.Message != "" {
		return p.Message
	}
	for _, c := range p.Containers {
		switch {
		case c.Ready:
		case c.Message != "":
			return fmt.Sprintf("container %s: %s", c.Name, c.Message)
		case c.Reason != "":
			return fmt.Sprintf("container %s: %s", c.Name, c.Reason)
		default:
			return fmt.Sprintf("container %s runs and does not say that it is ready; see heddle logs %s -c %s", c.Name, p.Name, c.Name)
		}
	}
	if p.Reason != "" {
		return p.Reason
	}
	return "it starts"
}

// announce says what runs and where to look.
func announce(w io.Writer, s local.Status, began time.Time, interruptible bool) {
	fmt.Fprintf(w, "%d pods ready after %.1f s\n", len(s.Pods), time.Since(began).Seconds())
	printAddresses(w, s)
	fmt.Fprintln(w, "\nheddle graph shows who talks to whom, heddle status what runs.")
	if interruptible {
		fmt.Fprintln(w, "Ctrl-C stops everything.")
	}
	for _, f := range s.Findings {
		printFinding(w, f)
	}
}

// printAddresses lists where the mesh can be reached from this machine.
func printAddresses(w io.Writer, s local.Status) {
	for _, svc := range s.Services {
		for _, p := range slices.SortedFunc(slices.Values(svc.HostPorts), func(a, b plan.HostPort) int { return cmp.Compare(a.Port, b.Port) }) {
			scheme := "http"
			if p.Port == 443 {
				scheme = "https"
			}
			if p.Open {
				fmt.Fprintf(w, "  %-16s %s://127.0.0.1:%d (port %d)\n", plain.Text(svc.Name), scheme, p.HostPort, p.Port)
			}
		}
	}
	if s.Console != "" {
		fmt.Fprintf(w, "  %-16s %s\n", "console", plain.Text(s.Console))
		fmt.Fprintf(w, "  %-16s %s/readyz, /metrics\n", "health, metrics", plain.Text(s.Console))
	}
}
