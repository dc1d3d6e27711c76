package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// holdVar names the socket that this program is to hold as another control
// plane does, instead of testing.
const holdVar = "HEDDLE_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdVar); path != "" {
		hold(path)
		return
	}
	os.Exit(m.Run())
}

// hold is a control plane that says each word of the cluster, until it is killed.
func hold(path string) {
	out := make(chan source.Update)
	go func() {
		for u := range out {
			fmt.Println(u.Token)
		}
	}()
	_ = Dial(path, nil).Run(context.Background(), out) // it never ends by itself
}

// script is a program's log.
type script struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *script) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// control is a control plane in this process.
type control struct {
	*Client
	out   chan source.Update
	taken chan *Taken // each answer of Taken
	said  *script
	end   func()
}

func runControl(t *testing.T, path string) *control {
	t.Helper()
	said := &script{}
	c := &control{Dial(path, slog.New(slog.NewTextHandler(said, nil))), make(chan source.Update), make(chan *Taken, 16), said, nil}
	c.OnTaken(func() { c.taken <- c.Taken() })
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx, c.out) }) // it ends with ctx alone
	c.end = func() { cancel(); running.Wait() }
	t.Cleanup(c.end)
	return c
}

func publishRevision(t *testing.T, s *Server, revision uint64) {
	t.Helper()
	if err := s.Publish(State{Revision: revision}); err != nil {
		t.Fatal(err)
	}
}

// tookOver holds that one that waited had the cluster at once: on the connection
// on which it waited, and not when it tried again.
func tookOver(t *testing.T, c *control) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(c.said.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "control plane already") || !strings.Contains(lines[1], "takes over") {
		t.Errorf("it says %q", lines)
	}
}

// A second control plane says who has the cluster, disturbs nobody, and has it as
// soon as the first ends.
func TestASecondControlPlaneWaitsForTheFirst(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	l, podPath := podListener(t, "pod")
	if err := s.Offer("u1", l); err != nil {
		t.Fatal(err)
	}
	publishRevision(t, s, 1)
	first := runControl(t, path)
	next(t, ctx, first.out)
	next(t, ctx, first.Listeners())
	second, third := runControl(t, path), runControl(t, path)
	var since time.Time
	for _, c := range []*control{second, third} {
		taken := next(t, ctx, c.taken)
		if taken == nil || taken.PID != os.Getpid() || taken.Since.IsZero() || c.Taken() != taken {
			t.Fatalf("it is told %+v, and says %+v", taken, c.Taken())
		}
		since = taken.Since
		for _, part := range []string{fmt.Sprintf("process %d", os.Getpid()), "end it", "--state", "HEDDLE_CLUSTER"} {
			if !strings.Contains(taken.Error(), part) {
				t.Errorf("%q does not name %s", taken, part)
			}
		}
	}
	// What happens in the cluster is the first one's alone.
	publishRevision(t, s, 2)
	if u := next(t, ctx, first.out); u.Token != 2 || len(u.Findings) != 0 {
		t.Errorf("the first is told %+v", u)
	}
	second.Settled(2) // not for it to say
	first.Settled(2)
	if err := s.WaitSettled(ctx, 2); err != nil {
		t.Error(err)
	}
	select {
	case u := <-second.out:
		t.Errorf("the second is told of the cluster: %+v", u)
	case got := <-second.Listeners():
		t.Errorf("the second has the socket of %s", got.UID)
	default:
	}
	if said := first.said.String(); said != "" {
		t.Errorf("the first was disturbed: %s", said)
	}
	if n := strings.Count(second.said.String(), "\n"); n != 1 {
		t.Errorf("the second says in %d lines: %s", n, second.said)
	}

	first.end()
	holder := second
	var u source.Update
	select { // which of the two came first, nobody can say
	case u = <-second.out:
	case u = <-third.out:
		holder, second, third = third, third, second
	case <-ctx.Done():
		t.Fatal("nobody takes over")
	}
	if u.Token != 2 || len(u.Findings) != 0 {
		t.Errorf("who takes over is told %+v", u)
	}
	call(t, next(t, ctx, holder.Listeners()).L, podPath)
	if taken := next(t, ctx, holder.taken); taken != nil || holder.Taken() != nil {
		t.Errorf("with the cluster it says that %v", taken)
	}
	tookOver(t, holder)
	if taken := next(t, ctx, third.taken); taken == nil || !taken.Since.After(since) {
		t.Errorf("who still waits is told %+v", taken)
	}
	second.Settled(2)
	if err := s.WaitSettled(ctx, 2); err != nil {
		t.Error(err)
	}
}

// One that was killed is replaced at once, by its successor or who waits; its
// successor is not told that the cluster is taken by who is gone.
func TestAKilledControlPlaneIsReplaced(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	publishRevision(t, s, 1)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdVar+"="+path)
	said, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Wait() }()
	defer func() { _ = holder.Process.Kill() }()
	if _, err := io.ReadFull(said, make([]byte, 2)); err != nil { // it has the cluster
		t.Fatal(err)
	}
	waiting := runControl(t, path)
	if taken := next(t, ctx, waiting.taken); taken == nil || taken.PID != holder.Process.Pid {
		t.Fatalf("%+v, want process %d", taken, holder.Process.Pid)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	next(t, ctx, waiting.out)
	if taken := next(t, ctx, waiting.taken); taken != nil {
		t.Errorf("with the cluster it says that %v", taken)
	}
	tookOver(t, waiting)
	waiting.end()
	again := runControl(t, path)
	next(t, ctx, again.out)
	if said := again.said.String(); said != "" {
		t.Errorf("the successor says %s", said)
	}
}

// A control plane that had the cluster, and finds another there after it lost it,
// keeps its last word and says why that is old.
func TestWhoLostTheClusterToAnotherSaysSo(t *testing.T) {
	ctx := testContext(t)
	path := filepath.Join(t.TempDir(), "cluster.sock")
	s, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	if err := s.Publish(State{Revision: 1, Objects: []*mesh.Object{pod(t, "a", "u1", "")}}); err != nil {
		t.Fatal(err)
	}
	c := runControl(t, path)
	next(t, ctx, c.out)
	s.Close()
	next(t, ctx, c.out) // it is away
	// The other is there before anybody else can be.
	aside := path + ".new"
	if s, err = Listen(aside, nil); err != nil {
		t.Fatal(err)
	}
	other := runControl(t, aside)
	publishRevision(t, s, 1)
	next(t, ctx, other.out)
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	if taken := next(t, ctx, c.taken); taken == nil {
		t.Fatal("it is told nothing")
	}
	u := next(t, ctx, c.out)
	if len(u.Objects) != 1 || len(u.Findings) != 1 || u.Findings[0].Code != mesh.CodeSourceAway || !strings.Contains(u.Findings[0].Message, "control plane already") {
		t.Errorf("it says %+v", u)
	}
	other.end()
	if u := next(t, ctx, c.out); len(u.Findings) != 0 {
		t.Errorf("with the cluster back: %+v", u.Findings)
	}
}

// The line is bounded, and who leaves it frees the place.
func TestTheLineIsBounded(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	publishRevision(t, s, 1)
	first := runControl(t, path)
	next(t, ctx, first.out)
	dial := func() *Conn {
		nc, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c := NewConn(nc.(*net.UnixConn))
		t.Cleanup(func() { c.Close() })
		return c
	}
	var line []*Conn
	for range maxLine {
		line = append(line, dial())
	}
	if _, _, err := line[maxLine-1].ReadFrame(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := dial().ReadFrame(); !errors.Is(err, io.EOF) {
		t.Errorf("one more than may wait: %v, want that it is sent away", err)
	}
	line[0].Close()
	for { // the place is free as soon as that was noticed
		if f, _, err := dial().ReadFrame(); err == nil && f.Taken != nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the place of one that left is not free")
		}
	}
}
