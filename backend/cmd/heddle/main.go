// Command heddle is the service mesh: its control plane, the agent beside each
// proxy, the mesh on this machine, and the command line to all of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// Exit codes of every command.
const (
	exitFailed   = 1 // the answer is "no": errors were found, a pod is not ready
	exitUnusable = 2 // the command could not run
)

// exitError ends the command with a code; its text was already shown when err is nil.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func main() {
	// Roles of the local cluster re-execute this program.
	if handled, code := local.RoleMain(os.Args[1:]); handled {
		os.Exit(code)
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // by nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command and gives its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, said io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(said)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitUnusable
	var exit exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(said, "heddle: "+plain.Lines(text))
	}
	return code
}

// globals are the flags that every command shares.
type globals struct {
	state string
}

func newRoot() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:           "heddle",
		Short:         "A service mesh and its console in one program",
		SilenceUsage:  true,
		SilenceErrors: true,
		// Commands that are this near to what was typed are named.
		SuggestionsMinimumDistance: 2,
		Args:                       unknownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	state := os.Getenv("HEDDLE_STATE")
	if state == "" {
		state = ".heddle"
	}
	root.PersistentFlags().StringVar(&g.state, "state", state, "`folder` of the mesh's state (or $HEDDLE_STATE)")
	root.AddGroup(
		&cobra.Group{ID: "mesh", Title: "The mesh on this machine:"},
		&cobra.Group{ID: "objects", Title: "Objects:"},
		&cobra.Group{ID: "observe", Title: "Look inside:"},
		&cobra.Group{ID: "people", Title: "Who may do what:"},
		&cobra.Group{ID: "run", Title: "Programs:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("mesh", newUp(g), newDown(g), newStatus(g), newLogs(g))
	add("objects", newApply(g), newGet(g), newDelete(g), newScale(g), newUndo(g), newValidate(), newAnalyze(g))
	add("observe", newGraph(g), newFindings(g), newChecks(), newProxyStatus(g), newProxyConfig(g), newExplain(g), newTraces(g))
	add("people", newUser(g), newToken(g), newAudit(g))
	add("run", newServe(g), newAgent(g), newEnvoy(g), newVersion(g))
	explainMistakes(root)
	return root
}
