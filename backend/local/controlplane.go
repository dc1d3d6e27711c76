package local

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
)

// controlPlane runs the control plane, and runs it again whenever it ends. Pods
// run on meanwhile.
type controlPlane struct {
	o       *Options
	starter *sandbox.Starter
	log     *logSink

	mu     sync.Mutex
	status ControlPlaneStatus
}

// servePause bounds the pause between two runs: the first after a steady run,
// and the longest.
const (
	firstServePause = 50 * time.Millisecond
	maxServePause   = 5 * time.Second
	steadyServe     = 10 * time.Second
	stopServe       = 3 * time.Second
)

func (c *controlPlane) run(ctx context.Context) {
	pause := firstServePause
	for {
		began := time.Now()
		err := c.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyServe {
			pause = firstServePause
		}
		c.o.Log.Warn("control plane ended and is started again", "error", err, "pause", pause, "log", c.log.path)
		c.set(func(s *ControlPlaneStatus) {
			s.Running, s.PID, s.Restarts = false, 0, s.Restarts+1
			s.Error = fmt.Sprintf("%v; see %s", err, c.log.path)
		})
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxServePause)
	}
}

func (c *controlPlane) once(ctx context.Context) error {
	out, err := c.log.pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command(c.o.Self, c.o.Serve...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	err = c.starter.Start(cmd)
	out.Close()
	if err != nil {
		return fmt.Errorf("start the control plane: %w", err)
	}
	c.set(func(s *ControlPlaneStatus) {
		s.Running, s.PID, s.Since = true, cmd.Process.Pid, time.Now()
	})
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			return fmt.Errorf("it ended by itself")
		}
		return err
	case <-ctx.Done():
	}
	cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopServe)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		cmd.Process.Kill()
		<-ended
	}
	c.set(func(s *ControlPlaneStatus) { s.Running, s.PID = false, 0 })
	return nil
}

func (c *controlPlane) set(change func(*ControlPlaneStatus)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.status)
}

func (c *controlPlane) get() ControlPlaneStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}
