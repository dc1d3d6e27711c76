package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// supervisor is the client of the mesh on this machine.
func supervisor(g *globals) (*local.Client, error) {
	state, err := filepath.Abs(g.state)
	if err != nil {
		return nil, err
	}
	return local.NewClient(state), nil
}

func newDown(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the mesh on this machine; its configuration stays",
		Args:  words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := supervisor(g)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			err = c.Down(ctx)
			if errors.Is(err, local.ErrNotRunning) {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing runs in "+c.State())
				return nil
			}
			if err != nil {
				return exitError{exitFailed, err}
			}
			fmt.Fprintln(cmd.OutOrStdout(), "stopped")
			return nil
		},
	}
}

func newStatus(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What runs on this machine, and what does not",
		Args:  words(0, 0),
	}
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := supervisor(g)
		if err != nil {
			return err
		}
		s, err := c.Status(cmd.Context())
		if err != nil {
			return err
		}
		if s.ControlPlane.Connected {
			var closed []mesh.Finding
			closed, s.ControlPlane.Unresponsive = closedPorts(cmd.Context(), g)
			s.Findings = append(s.Findings, closed...)
		}
		w := cmd.OutOrStdout()
		if out.value == "json" {
			return printJSON(w, s)
		}
		printStatus(w, s)
		if !s.Ready() {
			return exitError{code: exitFailed}
		}
		return nil
	}
	return cmd
}

// answersWithin is how long status waits for the control plane: one that hangs
// must not hide how everything else is.
const answersWithin = 2 * time.Second

// closedPorts are the ports of its own that the control plane could not open;
// what else it finds is told by heddle findings. One that does not even say that
// it lives hangs.
func closedPorts(ctx context.Context, g *globals) (closed []mesh.Finding, hangs bool) {
	c, err := newClient(g)
	if err != nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	if err := c.get(ctx, "/healthz", nil, nil); errors.Is(err, context.DeadlineExceeded) {
		return nil, true
	}
	var all []mesh.Finding
	if err := c.get(ctx, "/api/v1/findings", nil, &all); err != nil {
		return nil, false // it has only just ended, or begun: the next status shows more
	}
	return slices.DeleteFunc(all, func(f mesh.Finding) bool { return f.Code != mesh.CodePort || f.Ref != (mesh.Ref{}) }), false
}

func printStatus(w io.Writer, s local.Status) {
	cp := s.ControlPlane
	switch {
	case cp.Unresponsive:
		fmt.Fprintln(w, "control plane  "+paint(w, mesh.Error, fmt.Sprintf("hangs: process %d runs, but has not answered within %v", cp.PID, answersWithin))+"; see logs/control-plane.log in "+plain.Text(s.State))
	case cp.Connected:
		printWrapped(w, "control plane  ", strings.Repeat(" ", 15),
			fmt.Sprintf("running for %s, restarted %d times, health at %s/readyz", age(cp.Since), cp.Restarts, s.Console))
	case cp.Error != "":
		fmt.Fprintln(w, "control plane  "+paint(w, mesh.Error, "down: "+cp.Error)+"; see logs/control-plane.log in "+plain.Text(s.State))
	default:
		fmt.Fprintln(w, "control plane  starting")
	}
	if s.Loaded && len(s.Pods) == 0 {
		fmt.Fprintln(w, "pods           none; `heddle apply -f` a Deployment to run one")
	}
	var rows [][]string
	var notes []string
	var marks []mark
	for _, p := range s.Pods {
		state, note, look := p.Phase, "", mark{}
		switch {
		case p.Phase == "Terminating":
		case p.Ready:
			state = "Ready"
		case p.Reason != "" || p.Message != "":
			state, note, look = "NotReady", reason(p), mark{"state", mesh.Error}
		}
		proxy := "-"
		if p.Sidecar {
			proxy = "sidecar"
		}
		if p.Gateway {
			proxy = "gateway"
		}
		rows = append(rows, []string{p.Namespace, p.Name, state, restarts(p), proxy, p.IP, age(p.Created)})
		notes, marks = append(notes, note), append(marks, look)
	}
	var one []string
	if namespaces(s) == 1 {
		one = []string{"namespace"}
	}
	printPart(w, append(one, "age", "proxy", "address"), []string{"namespace", "pod", "state", "restarts", "proxy", "address", "age"}, rows, notes, marks)
	rows, marks = nil, nil
	for _, svc := range s.Services {
		ports := make([]string, len(svc.Ports))
		for i, p := range svc.Ports {
			ports[i] = fmt.Sprint(p)
		}
		var hosts []string
		look := mark{}
		for _, p := range svc.HostPorts {
			if p.Open {
				hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", p.HostPort))
			} else {
				hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d taken", p.HostPort))
				look = mark{"on this machine", mesh.Error}
			}
		}
		rows = append(rows, []string{svc.Namespace, svc.Name, svc.Address, strings.Join(ports, ","), fmt.Sprint(svc.Endpoints), strings.Join(hosts, " ")})
		marks = append(marks, look)
	}
	printPart(w, one, []string{"namespace", "service", "address", "ports", "endpoints", "on this machine"}, rows, nil, marks)
	for _, f := range s.Findings {
		printFinding(w, f)
	}
}

// printPart is a table with a blank line before it; nothing when it is empty.
func printPart(w io.Writer, spare, header []string, rows [][]string, notes []string, marks []mark) {
	if len(rows) > 0 {
		fmt.Fprintln(w)
		printFitted(w, spare, header, rows, notes, marks)
	}
}

// reason is why a pod is not ready, as far as somebody said.
func reason(p local.PodStatus) string {
	if p.Reason != "" && p.Message != "" {
		return p.Reason + ": " + p.Message
	}
	return p.Reason + p.Message
}

// restarts is how often something in a pod was started anew, and how many of
// these were Envoy.
func restarts(p local.PodStatus) string {
	if p.EnvoyRestarts == 0 {
		return strconv.Itoa(p.Restarts)
	}
	return fmt.Sprintf("%d (%d Envoy)", p.Restarts, p.EnvoyRestarts)
}

// namespaces is how many there are with pods or services.
func namespaces(s local.Status) int {
	names := map[string]struct{}{}
	for _, p := range s.Pods {
		names[p.Namespace] = struct{}{}
	}
	for _, svc := range s.Services {
		names[svc.Namespace] = struct{}{}
	}
	return len(names)
}

func newLogs(g *globals) *cobra.Command {
	r := local.LogsRequest{}
	var namespace string
	cmd := &cobra.Command{
		Use:     "logs POD",
		Short:   "What a pod's programs wrote",
		Example: "  heddle logs reviews-v1\n  heddle logs reviews-v1 -c proxy -f",
		Args:    words(1, 1),
	}
	cmd.Flags().StringVarP(&r.Container, "container", "c", "", "`name` of the container; proxy is the proxy")
	cmd.Flags().BoolVarP(&r.Follow, "follow", "f", false, "go on with what is added")
	cmd.Flags().IntVar(&r.Tail, "tail", -1, "only the last `lines`")
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`namespace` of the pod")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := supervisor(g)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("tail") && r.Tail < 0 {
			return misused(cmd, "--tail must be 0 or more, not %d", r.Tail)
		}
		r.Pod = args[0]
		if kind, name, ok := strings.Cut(args[0], "/"); ok && isPodOrDeployment(kind) {
			r.Pod = name // as kubectl takes them
		}
		if namespace != "" {
			r.Pod = namespace + "/" + r.Pod
		}
		text, err := c.Logs(cmd.Context(), r)
		if errors.Is(err, local.ErrNotRunning) {
			return err
		}
		if err != nil {
			return exitError{exitFailed, err}
		}
		defer text.Close()
		if err := copyLog(cmd.OutOrStdout(), text); err != nil && cmd.Context().Err() == nil {
			return err
		}
		return nil
	}
	return cmd
}

// copyLog copies what programs wrote as it is, but for a terminal: that sees
// their lines and colours, and obeys them in nothing else.
func copyLog(w io.Writer, log io.Reader) error {
	if !isTerminal(w) {
		_, err := io.Copy(w, log)
		return err
	}
	shown := plain.NewLog(w)
	_, err := io.Copy(shown, log)
	return errors.Join(err, shown.Close())
}

// isPodOrDeployment reports whether a word names one of the kinds whose logs
// there are.
func isPodOrDeployment(word string) bool {
	return slices.ContainsFunc(config.Find(word), func(k config.KindInfo) bool {
		return k.Kind == mesh.KindPod || k.Kind == mesh.KindDeployment
	})
}
