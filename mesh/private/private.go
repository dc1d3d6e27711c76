// Package private makes the files and sockets of a state folder: readable by
// their owner alone, and replaced as a whole.
package private

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// WriteFile replaces a file's content, as Replace does.
func WriteFile(path string, data []byte) error {
	return Replace(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Replace replaces a file with what write says, with mode 0600: a reader sees
// the old content or the new, also after the machine has crashed. On error the
// old file stays.
func Replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	to := bufio.NewWriterSize(f, 64<<10)
	if err = write(to); err == nil {
		err = to.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Listen makes a unix socket that its owner alone may open, in place of what an
// earlier process left at path. Whether that process still runs is for the
// caller to know: see Answers.
func Listen(path string) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("make way for socket %s: %w", path, err)
	}
	// Linux gives the file the mode that the socket has when it is bound, so
	// that there is no moment in which others may open it.
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var mode error
		return errors.Join(raw.Control(func(fd uintptr) { mode = unix.Fchmod(int(fd), 0o600) }), mode)
	}}
	l, err := c.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("serve socket %s: %w", path, err)
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		l.Close()
		return nil, fmt.Errorf("serve socket %s: it is a %T", path, l)
	}
	return u, nil
}

// answerWithin is how long a living process may take to take a connection.
const answerWithin = time.Second

// Answers reports whether a process serves the unix socket at path.
func Answers(path string) bool {
	c, err := net.DialTimeout("unix", path, answerWithin)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
