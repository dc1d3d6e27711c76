package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// The roles of re-execution, as the program's first argument. They are no
// commands for people.
const (
	machineRole = "__machine"
	sandboxRole = "__sandbox"
	probeRole   = "__probe"
)

// A role keeps the main goroutine on the main thread: PDEATHSIG watches the
// thread of the parent, and orphans are given to the main thread. Only a lock
// taken before main runs is sure to be in time.
func init() {
	if len(os.Args) == 2 && isRole(os.Args[1]) {
		runtime.LockOSThread()
	}
}

func isRole(word string) bool { return word == machineRole || word == sandboxRole || word == probeRole }

// Main runs a role when the arguments (without the program's name) ask for one;
// handled is false otherwise. The caller is the main function, which does nothing
// else before: whatever the program is asked for, what it starts inherits none
// of the files that it inherited.
func Main(args []string) (handled bool, code int) {
	// An error matters to the roles alone, and they are asked below.
	kept := keepFiles()
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
	err := errors.Join(kept, onMainThread())
	if err == nil {
		err = run(log)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "heddle %s: %v\n", args[0], err)
		return true, 1
	}
	return true, 0
}

// keepFiles has no program inherit the files that this one has open, but for
// the three standard ones and those that it is given by name. An inherited
// folder leads around everything that is hidden in a mount namespace, by its
// entry in /proc; shells and build tools leave such files open.
func keepFiles() error {
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("keep open files from programs: %w", err)
	}
	return nil
}
