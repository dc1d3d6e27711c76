package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Ways to hold the lock of a folder.
const (
	shared    = unix.LOCK_SH // reading: no write is half done
	exclusive = unix.LOCK_EX // writing
)

// errBusy reports that another process or goroutine holds the lock.
var errBusy = errors.New("the configuration folder is being written")

// tryLock takes the lock if it is free. unlock gives it back.
func (s *Store) tryLock(how int) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.own, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the configuration folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errBusy
		}
		return nil, fmt.Errorf("lock the configuration folder: %w", err)
	}
	return func() { f.Close() }, nil // the lock ends with the descriptor
}

// lock waits for the lock until ctx ends.
func (s *Store) lock(ctx context.Context, how int) (unlock func(), err error) {
	const pause = 3 * time.Millisecond
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait until the configuration folder is free: %w", err)
		}
		unlock, err := s.tryLock(how)
		if !errors.Is(err, errBusy) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
