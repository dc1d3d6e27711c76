package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// RunningError reports that another supervisor has the state folder.
type RunningError struct {
	State   string `json:"-"`
	PID     int    `json:"pid"`
	Console string `json:"console"`
}

// Error says where the other one runs.
func (e *RunningError) Error() string {
	text := fmt.Sprintf("the mesh in %s is up already: process %d", e.State, e.PID)
	if e.Console != "" {
		text += ", console " + e.Console
	}
	return text + "; see heddle status, or end it with heddle down"
}

// lock takes the state folder for this process; it is free again when the file
// is closed or the process ends, however that happens.
func lock(o *Options) (*os.File, error) {
	f, err := os.OpenFile(lockPath(o.State), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the state folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the state folder: %w", err)
		}
		other := &RunningError{State: o.State}
		if text, err := io.ReadAll(f); err == nil {
			// Half-written by one that has only just started: then without details.
			_ = json.Unmarshal(text, other)
		}
		return nil, other
	}
	text, err := json.Marshal(RunningError{PID: os.Getpid(), Console: o.Console})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(text, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the state folder: %w", err)
	}
	return f, nil
}

func lockPath(state string) string { return filepath.Join(state, "run", "supervisor.lock") }

// locked reports whether a supervisor has the state folder.
func locked(state string) bool {
	f, err := os.Open(lockPath(state))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}
