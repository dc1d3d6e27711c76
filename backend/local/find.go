package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/socket"
)

// find turns the first word of a command into the path of a program: a bare
// name is looked up, a path is taken as it is, relative to the working folder.
func (s *Supervisor) find(command, dir string) (string, error) {
	if command == "" {
		return "", errors.New("the command is empty")
	}
	if strings.Contains(command, "/") {
		path := command
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if err := executable(path); err != nil {
			return "", fmt.Errorf("command %q: %w", command, err)
		}
		return path, nil
	}
	for _, d := range s.o.PathDirs {
		path, err := filepath.Abs(filepath.Join(d, command))
		if err == nil && executable(path) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("command %q is not found in %s; install it, or give its path", command, strings.Join(s.o.PathDirs, ":"))
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such file")
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder")
	case info.Mode().Perm()&0o111 == 0:
		return errors.New("it is not executable")
	}
	return nil
}

func pid() int { return os.Getpid() }

// drainEvery is how often connections of a proxy are counted.
const drainEvery = 50 * time.Millisecond

// drain waits until a pod's proxy has no inbound connections left: what is under
// way ends, and idle connections are closed by those who made them, since the
// pod is no endpoint any more.
func (s *Supervisor) drain(p *pod, limit time.Duration) {
	if !p.meshed || p.Gateway { // a gateway's agent drains by itself
		return
	}
	ctx, cancel := context.WithTimeout(s.calm, limit)
	defer cancel()
	admin := socket.InPod(p.spec.Dir, "admin.sock")
	ticker := time.NewTicker(drainEvery)
	defer ticker.Stop()
	for {
		n, err := inbound(ctx, admin)
		if err != nil || n == 0 {
			return // an Envoy that does not answer has nothing to lose
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			s.o.Log.Info("connections were still open when the pod was stopped", "pod", p.Key.String(), "connections", n)
			return
		}
	}
}

// inbound is the number of connections that an Envoy has accepted for its
// application.
func inbound(ctx context.Context, admin socket.Dial) (int, error) {
	text, err := admin.Get(ctx, "/stats?filter="+url.QueryEscape(`^listener\..*_15006\.downstream_cx_active$`), 1<<20)
	if err != nil {
		return 0, err
	}
	total := 0
	for line := range bytes.Lines(text) {
		_, value, ok := strings.Cut(strings.TrimSpace(string(line)), ": ")
		if n, err := strconv.Atoi(value); ok && err == nil {
			total += n
		}
	}
	return total, nil
}
