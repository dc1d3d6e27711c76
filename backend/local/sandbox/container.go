package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// A container that ends is started again: at once the first time, then after
// pauses that double, until it has run for steadyRun.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 30 * time.Second
	steadyRun  = 10 * time.Second
	// loopAfter short runs in a row are a crash loop.
	loopAfter = 3
)

// container runs one program, again and again.
type container struct {
	spec   Container
	pod    *sandbox
	log    *os.File
	once   bool // an end with code 0 is the end
	update func(func(*ContainerStatus))

	stopping chan struct{} // closed when the container is asked to end
	askOnce  sync.Once
	done     chan struct{} // closed when it has ended for good
	inner    int           // restarts that the program before this one told of

	mu      sync.Mutex
	process *os.Process // nil while none runs
}

func newContainer(spec Container, pod *sandbox, log *os.File, update func(func(*ContainerStatus))) *container {
	return &container{
		spec: spec, pod: pod, log: log, update: update,
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
}

func (c *container) start() { go c.run() }

func (c *container) run() {
	defer close(c.done)
	short := 0 // runs in a row that were no steady ones
	for {
		began := time.Now()
		code, why := c.runOnce()
		if c.asked() {
			c.update(func(s *ContainerStatus) { s.State, s.Ready, s.ExitCode = Terminated, false, code })
			return
		}
		if c.once && code == 0 && why == "" {
			c.update(func(s *ContainerStatus) {
				s.State, s.Reason, s.Message, s.Ready, s.ExitCode = Terminated, "Completed", "", true, 0
			})
			return
		}
		if time.Since(began) >= steadyRun {
			short = 0
		}
		pause := min(firstPause<<min(short, 20), maxPause)
		short++
		c.update(func(s *ContainerStatus) {
			s.State, s.Ready, s.ExitCode = Waiting, false, code
			s.Restarts++
			s.Reason, s.Message = "Error", fmt.Sprintf("the program ended with code %d", code)
			switch {
			case why != "":
				s.Message = why
			case code == 0:
				s.Reason, s.Message = "Completed", "the program ended by itself"
			}
			if short >= loopAfter {
				s.Reason = "CrashLoopBackOff"
				s.Message = fmt.Sprintf("%s, %d times in a row; it is started again after %v", s.Message, short, pause)
			}
		})
		select {
		case <-time.After(pause):
		case <-c.stopping:
			c.update(func(s *ContainerStatus) { s.State = Terminated })
			return
		}
	}
}

func (c *container) asked() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

// runOnce runs the program until it ends. why is set when more is to be said
// than its code.
func (c *container) runOnce() (code int, why string) {
	cmd := c.pod.command(c.spec.Argv, c.spec.Env, c.spec.Dir, c.spec.NetAdmin)
	cmd.Stdout, cmd.Stderr = c.log, c.log

	c.mu.Lock() // so that end sees either no process or one to signal
	if c.asked() {
		c.mu.Unlock()
		return 0, ""
	}
	err := c.pod.starter.Start(cmd)
	c.process = cmd.Process
	c.mu.Unlock()
	if err != nil {
		return 127, fmt.Sprintf("%s cannot be started: %v", c.spec.Argv[0], unwrapPath(err))
	}
	c.update(func(s *ContainerStatus) {
		s.State, s.Reason, s.Message, s.Started = Running, "", "", time.Now()
		c.inner = s.Inner
	})
	ctx, cancel := context.WithCancel(context.Background())
	var killed string
	var killOnce sync.Once
	var probing sync.WaitGroup
	probing.Go(func() {
		c.watch(ctx, func(reason string) {
			killOnce.Do(func() { killed = reason })
			c.kill(cmd.Process)
		})
	})
	err = cmd.Wait()
	cancel()
	probing.Wait()
	c.mu.Lock()
	c.process = nil
	c.mu.Unlock()
	// Whatever the program left behind in its session ends with it.
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	state := cmd.ProcessState
	if state == nil {
		return 1, fmt.Sprintf("waiting for the program failed: %v", err)
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		code, why = 128+int(ws.Signal()), fmt.Sprintf("the program was ended by signal %d (%v)", ws.Signal(), ws.Signal())
	} else {
		code = state.ExitCode()
	}
	if killed != "" {
		why = killed
	}
	return code, why
}

// unwrapPath drops the operation and path that os/exec puts before an error.
func unwrapPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// kill ends a program that a probe found bad.
func (c *container) kill(p *os.Process) {
	p.Signal(syscall.SIGTERM)
	time.AfterFunc(c.pod.pod.Grace, func() { p.Signal(syscall.SIGKILL) }) // no harm when it is gone: Process knows
}

// end asks the program to end, kills it after the grace time, and waits.
func (c *container) end(grace time.Duration) {
	c.askOnce.Do(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(c.stopping)
		if c.process != nil {
			c.process.Signal(syscall.SIGTERM)
		}
	})
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
		return
	case <-timer.C:
	}
	c.mu.Lock()
	if c.process != nil {
		syscall.Kill(-c.process.Pid, syscall.SIGKILL)
	}
	c.mu.Unlock()
	<-c.done
}
