package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Identity says whose processes the pods' are.
//
// An ordinary user's pods run as that user. Root's do not run as root: a
// process whose user is root outside, even without any capability, may write
// root's files and the kernel's settings. So for root the containers become an
// ordinary user, and only the machinery around them stays root's.
type Identity struct {
	UID, GID   int // of the containers, as the host knows them
	Inside     int // the same user inside the namespaces; never 0
	InsideGID  int
	Privileged bool // this program runs as root
}

// Where nobody says which ordinary user to be.
const (
	anonymousUID    = 100000 // outside: a range that nobody's account is in
	anonymousInside = 1000
	rootInside      = 65533 // what root is called inside
)

// Me is the identity for the user that runs this program; SUDO_UID and SUDO_GID
// name the ordinary user behind root.
func Me() Identity {
	return identityOf(os.Getuid(), os.Getgid(), os.Getenv)
}

func identityOf(uid, gid int, getenv func(string) string) Identity {
	if uid != 0 {
		return Identity{UID: uid, GID: gid, Inside: uid, InsideGID: max(gid, 1)}
	}
	number := func(name string) int {
		n, err := strconv.Atoi(getenv(name))
		if err != nil || n <= 0 || n == rootInside {
			return 0
		}
		return n
	}
	if uid, gid := number("SUDO_UID"), number("SUDO_GID"); uid != 0 && gid != 0 {
		return Identity{UID: uid, GID: gid, Inside: uid, InsideGID: gid, Privileged: true}
	}
	return Identity{UID: anonymousUID, GID: anonymousUID, Inside: anonymousInside, InsideGID: anonymousInside, Privileged: true}
}

// mapInto makes the user namespace know the identity.
func (id Identity) mapInto(attr *syscall.SysProcAttr) {
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: id.Inside, HostID: id.UID, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: id.InsideGID, HostID: id.GID, Size: 1}}
	if id.Privileged {
		attr.UidMappings = append(attr.UidMappings, syscall.SysProcIDMap{ContainerID: rootInside, HostID: 0, Size: 1})
		attr.GidMappings = append(attr.GidMappings, syscall.SysProcIDMap{ContainerID: rootInside, HostID: 0, Size: 1})
		attr.GidMappingsEnableSetgroups = true // so that root's other groups can be dropped
	}
}

// become makes a container run as the identity.
func (id Identity) become(attr *syscall.SysProcAttr) {
	if id.Privileged {
		attr.Credential = &syscall.Credential{Uid: uint32(id.Inside), Gid: uint32(id.InsideGID)}
	}
}

// Closed is the topmost folder above path that the containers' user may not
// pass, "" when there is none. Root's folders are such: hiding them, with path
// kept, makes path reachable and nothing else of them.
func (id Identity) Closed(path string) string {
	if !id.Privileged {
		return "" // it is the user that asks
	}
	closed := ""
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && !id.mayPass(info) {
			closed = dir
		}
	}
	return closed
}

func (id Identity) mayPass(dir os.FileInfo) bool {
	bit := os.FileMode(0o001)
	if st, ok := dir.Sys().(*syscall.Stat_t); ok {
		switch {
		case int(st.Uid) == id.UID:
			bit = 0o100
		case int(st.Gid) == id.GID:
			bit = 0o010
		}
	}
	return dir.Mode().Perm()&bit != 0
}
