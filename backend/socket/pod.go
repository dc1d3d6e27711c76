package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// InPod dials the socket called name in a pod's folder, which the programs of
// the pod may write to. They could put there a link to a socket that they may
// not open themselves, or move another one to this name, and so have this
// process speak for them. Hence the socket is dialed only if it is one, no link
// leads to it, and its maker is the pod: the user that the folder was given to,
// as a process in a pid namespace of the pod's own.
func InPod(dir, name string) Dial {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := dialPod(ctx, dir, name)
		if err != nil {
			return nil, fmt.Errorf("pod's socket %s: %w", filepath.Join(dir, name), err)
		}
		return c, nil
	}
}

func dialPod(ctx context.Context, dir, name string) (net.Conn, error) {
	if filepath.Base(name) != name {
		return nil, errors.New("the name leads out of the folder")
	}
	folder, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open the folder", err)
	}
	defer unix.Close(folder)
	var owner unix.Stat_t
	if err := unix.Fstat(folder, &owner); err != nil {
		return nil, os.NewSyscallError("look at the folder", err)
	}
	// The descriptor stands for what was looked at, whatever the name means next.
	socket, err := unix.Openat(folder, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	defer unix.Close(socket)
	var file unix.Stat_t
	if err := unix.Fstat(socket, &file); err != nil {
		return nil, os.NewSyscallError("look", err)
	}
	if file.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, errors.New("something else stands in its place: it is not dialed")
	}
	if file.Uid != owner.Uid {
		return nil, fmt.Errorf("it belongs to user %d, and the pod's is %d: it is not dialed", file.Uid, owner.Uid)
	}
	c, err := At("/proc/self/fd/" + strconv.Itoa(socket))(ctx)
	if err != nil {
		return nil, err
	}
	if err := fromPod(c, owner.Uid); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// fromPod reports why the process that serves a connection is not a pod's. It
// is the one that began to listen: who does so and hands the socket on, or is
// gone, is not known any more.
func fromPod(c net.Conn, owner uint32) error {
	peer, err := credentials(c)
	if err != nil {
		return err
	}
	if peer.Uid != owner {
		return fmt.Errorf("user %d serves it, and the pod's is %d", peer.Uid, owner)
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(int(peer.Pid)) + "/status")
	if err != nil {
		return fmt.Errorf("the process that serves it is not known: %w", err)
	}
	if !namespaced(string(status)) {
		return fmt.Errorf("process %d serves it, which is none of a pod's", peer.Pid)
	}
	return nil
}

// namespaced reports whether a process, of whose /proc/PID/status this is, is in
// another pid namespace than this program: then it has a number in each.
func namespaced(status string) bool {
	for line := range strings.Lines(status) {
		if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
			return len(strings.Fields(numbers)) > 1
		}
	}
	return false
}

func credentials(c net.Conn) (*unix.Ucred, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("%T is no unix socket", c)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	var asked error
	err = raw.Control(func(fd uintptr) {
		peer, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, asked); err != nil {
		return nil, fmt.Errorf("ask who serves it: %w", err)
	}
	return peer, nil
}
