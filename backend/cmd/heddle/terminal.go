package main

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// whileTerminal is ctx, ended also when the terminal goes away that the command
// was started from. The system tells that only to the first program of the
// terminal: one that was started by make, which waits for it, would run on for
// ever. Where hanging up is ignored, as nohup has it, or there is no terminal, it
// is ctx alone. The function gives back what watching takes.
func whileTerminal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if signal.Ignored(syscall.SIGHUP) {
		return ctx, cancel
	}
	terminal, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ctx, cancel
	}
	var enough [2]int // a pipe, to end the watch
	if err := unix.Pipe2(enough[:], unix.O_CLOEXEC); err != nil {
		unix.Close(terminal)
		return ctx, cancel
	}
	go func() {
		defer cancel()
		defer unix.Close(terminal)
		defer unix.Close(enough[0])
		// Without events to wait for, only the end is told.
		fds := []unix.PollFd{{Fd: int32(terminal)}, {Fd: int32(enough[0])}}
		for {
			if _, err := unix.Poll(fds, -1); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	context.AfterFunc(ctx, func() { unix.Close(enough[1]) }) // which wakes the watch
	return ctx, cancel
}
