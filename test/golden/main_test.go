// Package golden sends what translation makes of its golden cases through the
// real xDS server to a real Envoy: everything must be acknowledged, everything
// must be in force, and calls must go where the cases say.
//
// All of it runs in a network of its own, where the addresses of the sample
// mesh exist and a sidecar's redirection can be installed.
package golden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/xds/envoy/envoytest"
)

// inside is set in the process that runs in the network of its own.
const inside = "HEDDLE_GOLDEN_NETWORK"

func TestMain(m *testing.M) {
	if os.Getenv(inside) == "" {
		os.Exit(runInside())
	}
	if err := prepareNetwork(); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runInside runs this program again, in a new user and network namespace, and
// gives its exit code. Envoy is looked for before: it may have to be downloaded.
func runInside() int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	envoy, err := envoytest.Find(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		return 1
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1", "HEDDLE_ENVOY="+envoy)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "golden: run the tests in a network of their own, which needs user namespaces:", err)
		return 1
	}
	return 0
}
