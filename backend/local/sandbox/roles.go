package sandbox

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
)

// The roles of re-execution, as the program's first argument. They are no
// commands for people.
const (
	machineRole = "__machine"
	sandboxRole = "__sandbox"
	probeRole   = "__probe"
)

// Main runs a role when the arguments (without the program's name) ask for one;
// handled is false otherwise. The caller is the main function, which has called
// runtime.LockOSThread and does nothing else before.
func Main(args []string) (handled bool, code int) {
	if len(args) != 1 {
		return false, 0
	}
	roles := map[string]func(*slog.Logger) error{machineRole: runMachine, sandboxRole: runSandbox, probeRole: runProbe}
	run, ok := roles[args[0]]
	if !ok {
		return false, 0
	}
	// What the packages of the whole program made at start is of no use here,
	// and there is one such process per pod.
	debug.FreeOSMemory()
	debug.SetGCPercent(50)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("role", args[0])
	err := onMainThread()
	if err == nil {
		err = run(log)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "heddle %s: %v\n", args[0], err)
		return true, 1
	}
	return true, 0
}
