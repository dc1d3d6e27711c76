package private

import (
	"fmt"
	"os"
	"syscall"
)

// Folder makes a folder for this process' user. One that is there already is
// refused when somebody else could have put into it what is trusted for lying
// there: keys, configuration, programs.
func Folder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at folder %s: %w", path, err)
	}
	owner := os.Geteuid()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(st.Uid)
	}
	return refuse(path, info.Mode().Perm(), owner, os.Geteuid())
}

// refuse says what is wrong with a folder of that mode and owner for a user.
func refuse(path string, mode os.FileMode, owner, user int) error {
	switch {
	case owner != user:
		return fmt.Errorf("%s belongs to user %d and this is user %d, who would trust what lies there; run as its owner, or name another folder with --state", path, owner, user)
	case mode&0o022 != 0:
		return fmt.Errorf("others may write to %s (its mode is %04o); take that away with `chmod go-w %s` if all in it is yours, or name another folder with --state", path, mode, path)
	}
	return nil
}
