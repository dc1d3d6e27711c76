package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// A crash is answered by a new start at once; one crash after the other
	// ever more slowly.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 10 * time.Second
	// stable is how long a life forgets the crashes before it.
	stable = 10 * time.Second
	// termWithin is how long Envoy may take to end after it was told to.
	termWithin = 3 * time.Second
)

// process keeps one Envoy running.
type process struct {
	path  string
	args  []string
	guard *guard
	ready *readiness
	// ended is told when an Envoy is gone.
	ended   func()
	metrics *ownMetrics
	log     *slog.Logger
}

// run starts Envoy, and again whenever it ends, until ctx ends; then it tells
// Envoy to end and waits for it.
func (p *process) run(ctx context.Context) error {
	backoff := firstBackoff
	for {
		began := time.Now()
		err := p.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		p.ready.envoyFell(err.Error())
		p.metrics.restarts.Inc()
		if time.Since(began) > stable {
			backoff = firstBackoff
		}
		p.log.Error("Envoy ended", "error", err, "after", time.Since(began).Round(time.Millisecond), "again_in", backoff)
		if !pause(ctx, backoff) {
			return nil
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// once is one life of Envoy.
func (p *process) once(ctx context.Context) error {
	cmd := exec.Command(p.path, p.args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// A signal to the agent's group is not for Envoy, which the agent ends
		// in order; and no Envoy outlives its agent.
		Setpgid:   true,
		Pdeathsig: syscall.SIGKILL,
	}
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for Envoy's log: %w", err)
	}
	cmd.Stdout, cmd.Stderr = in, in

	gone := make(chan error, 1)
	started := make(chan error, 1)
	go func() {
		// The kernel ends the child when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.guard.start(func() (int, error) {
			if err := cmd.Start(); err != nil {
				return 0, err
			}
			return cmd.Process.Pid, nil
		})
		started <- err
		if err == nil {
			gone <- cmd.Wait()
		}
	}()
	err = <-started
	in.Close()
	if err != nil {
		out.Close()
		return fmt.Errorf("start Envoy: %w", err)
	}
	p.ready.envoyStarted(cmd.Process.Pid)
	p.log.Info("Envoy started", "pid", cmd.Process.Pid)
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		copyLog(out, p.log)
		out.Close()
	}()

	select {
	case err = <-gone:
	case <-ctx.Done():
		err = p.terminate(cmd.Process, gone)
	}
	p.guard.ended()
	p.ended()
	<-logged
	return ending(err)
}

// terminate ends Envoy, by force when it takes too long.
func (p *process) terminate(proc *os.Process, gone <-chan error) error {
	_ = proc.Signal(syscall.SIGTERM) // it may be gone already
	limit := time.NewTimer(termWithin)
	defer limit.Stop()
	select {
	case err := <-gone:
		return err
	case <-limit.C:
		p.log.Warn("Envoy does not end, it is killed")
		_ = proc.Kill()
		return <-gone
	}
}

// ending words how a process ended; it never gives nil.
func ending(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("it exited with status 0")
	case errors.As(err, &exit):
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return fmt.Errorf("it was ended by signal %d (%s)", s.Signal(), s.Signal())
		}
		return fmt.Errorf("it exited with status %d", exit.ExitCode())
	default:
		return err
	}
}

// maxLogLine bounds one line of Envoy's log.
const maxLogLine = 16 << 10

// copyLog turns Envoy's log lines into ours until the reader ends.
func copyLog(from io.Reader, log *slog.Logger) {
	log = slog.New(everything{log.Handler()})
	r := bufio.NewReaderSize(from, maxLogLine)
	level := slog.LevelInfo
	for {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			level = logLine(strings.TrimRight(string(line), "\r\n"), level, log)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// logLine logs one line, "level<tab>logger<tab>text". A line without these
// belongs to the one before, whose level is given; the line's level is returned.
func logLine(line string, before slog.Level, log *slog.Logger) slog.Level {
	name, rest, ok := strings.Cut(line, "\t")
	level, known := envoyLevel(name)
	if !ok || !known {
		if line != "" {
			log.Log(context.Background(), before, line, "from", "envoy")
		}
		return before
	}
	logger, text, _ := strings.Cut(rest, "\t")
	log.Log(context.Background(), level, text, "from", "envoy", "logger", logger)
	return level
}

func envoyLevel(name string) (slog.Level, bool) {
	switch name {
	case "trace", "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warning":
		return slog.LevelWarn, true
	case "error", "critical":
		return slog.LevelError, true
	}
	return slog.LevelInfo, false
}
