package e2e

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// nobody is a user without any rights of its own.
const nobody = 65534

// TestOrdinaryUser starts a mesh as somebody who is not root. When the tests do
// not run as root, it is who they run as.
func TestOrdinaryUser(t *testing.T) {
	var o localOptions
	if os.Getuid() == 0 && testUser == nil {
		o.User = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	m := smallMesh(t, o)
	if uid := ownerOf(t, m.up.Process.Pid); uid == 0 {
		t.Fatal("the mesh runs as root")
	}
	callEcho(t, m)
	t.Logf("all pods ready %v after `heddle up`", m.Ready)
	was := take(t, m.up.Process.Pid, m.state)
	if err := m.remove(); err != nil {
		t.Error(err)
	}
	if err := was.left(); err != nil {
		t.Errorf("after the stop there is still: %v", err)
	}
}

// ownerOf is the user that a process runs as.
func ownerOf(t *testing.T, pid int) uint32 {
	t.Helper()
	var info syscall.Stat_t
	if err := syscall.Stat(fmt.Sprintf("/proc/%d", pid), &info); err != nil {
		t.Fatal(err)
	}
	return info.Uid
}
