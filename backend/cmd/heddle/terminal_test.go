package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A program that survives SIGHUP, as one does that make started, ends when its
// terminal goes away.
func TestTheTerminalGoesAway(t *testing.T) {
	const role = "HEDDLE_TEST_TERMINAL"
	if os.Getenv(role) != "" {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
		ctx, done := whileTerminal(context.Background())
		defer done()
		fmt.Println("watching")
		select {
		case <-ctx.Done():
			os.Exit(7)
		case <-time.After(20 * time.Second):
			os.Exit(1)
		}
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), role+"=1")
	child.Stdin = terminal
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	master.Close()
	_ = child.Wait()
	if code := child.ProcessState.ExitCode(); code != 7 {
		t.Errorf("it ended with %v", child.ProcessState)
	}
}

func TestWatchingTheTerminalEnds(t *testing.T) {
	ctx, done := whileTerminal(t.Context())
	if ctx.Err() != nil {
		t.Fatal("it ended at once")
	}
	done()
	<-ctx.Done()
}
