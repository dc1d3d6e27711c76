package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// deadline bounds a test that would otherwise hang.
const deadline = 20 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

func listen(t *testing.T) (*Server, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster.sock")
	s, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}

// start runs a client until the test ends.
func start(t *testing.T, path string) (*Client, <-chan source.Update) {
	t.Helper()
	c := Dial(path, nil)
	out := make(chan source.Update)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx, out) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	return c, out
}

func next[T any](t *testing.T, ctx context.Context, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		t.Fatalf("nothing came: %v", ctx.Err())
		panic("unreachable")
	}
}

func pod(t *testing.T, name, uid, ip string) *mesh.Object {
	t.Helper()
	o, err := NewObject(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(uid), Labels: map[string]string{"app": name}},
		Status:     corev1.PodStatus{PodIP: ip},
	}, mesh.Origin{Source: SourceName, From: "bookinfo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func podListener(t *testing.T, name string) (*net.UnixListener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, path
}

// call connects to path and returns what the accepting side says.
func call(t *testing.T, l net.Listener, path string) {
	t.Helper()
	accepted := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.WriteString(c, "hello")
			c.Close()
		}
		accepted <- err
	}()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Fatalf("read %q, %v", got, err)
	}
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
}

func TestStateReachesTheControlPlane(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	want := []*mesh.Object{pod(t, "reviews", "u1", "10.66.0.2")}
	finding := mesh.Finding{Code: mesh.CodePod, Severity: mesh.Error, Message: "crash loop"}
	if err := s.Publish(State{Revision: 7, Objects: want, Findings: []mesh.Finding{finding}}); err != nil {
		t.Fatal(err)
	}
	_, out := start(t, path)
	u := next(t, ctx, out)
	if u.Source != SourceName || u.Token != 7 {
		t.Errorf("source %q, token %d", u.Source, u.Token)
	}
	if diff := cmp.Diff([]mesh.Finding{finding}, u.Findings); diff != "" {
		t.Error(diff)
	}
	if len(u.Objects) != 1 {
		t.Fatalf("objects: %v", u.Objects)
	}
	got := u.Objects[0]
	if got.Ref != want[0].Ref || got.Version != want[0].Version || got.Hash != want[0].Hash || got.UID != "u1" || got.Origin != want[0].Origin {
		t.Errorf("got %+v, want %+v", got, want[0])
	}
	if ip := got.Spec.(*corev1.Pod).Status.PodIP; ip != "10.66.0.2" {
		t.Errorf("pod address %q", ip)
	}
}

func TestUnchangedObjectsStayThePointer(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	_, out := start(t, path)
	kept := pod(t, "reviews", "u1", "10.66.0.2")
	publish := func(rev uint64, objects ...*mesh.Object) source.Update {
		t.Helper()
		if err := s.Publish(State{Revision: rev, Objects: objects}); err != nil {
			t.Fatal(err)
		}
		return next(t, ctx, out)
	}
	first := publish(1, kept, pod(t, "ratings", "u2", "10.66.0.3"))
	second := publish(2, kept, pod(t, "ratings", "u2", "10.66.0.4"))
	if first.Objects[0] != second.Objects[0] {
		t.Error("the unchanged pod was decoded again")
	}
	if first.Objects[1].Version == second.Objects[1].Version {
		t.Error("another pod address left the version as it was")
	}
}

func TestListenerIsHandedOverAndTakenBack(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	early, earlyPath := podListener(t, "early")
	if err := s.Offer("u1", early); err != nil {
		t.Fatal(err)
	}
	c, out := start(t, path)
	got := next(t, ctx, c.Listeners())
	if got.UID != "u1" {
		t.Fatalf("uid %q", got.UID)
	}
	call(t, got.L, earlyPath)

	late, latePath := podListener(t, "late")
	if err := s.Publish(State{Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Offer("u2", late); err != nil {
		t.Fatal(err)
	}
	// The socket comes while nobody takes the update: neither holds up the other.
	second := next(t, ctx, c.Listeners())
	call(t, second.L, latePath)
	next(t, ctx, out)

	s.Withdraw("u1")
	if _, err := got.L.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a withdrawn pod: %v", err)
	}
	if _, err := os.Stat(earlyPath); err != nil {
		t.Errorf("the supervisor's socket file is gone: %v", err)
	}
}

func TestReconnectSaysEverythingAgain(t *testing.T) {
	ctx := testContext(t)
	path := filepath.Join(t.TempDir(), "cluster.sock")
	s, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	c, out := start(t, path)
	stays, _ := podListener(t, "stays")
	leaves, _ := podListener(t, "leaves")
	for uid, l := range map[string]*net.UnixListener{"stays": stays, "leaves": leaves} {
		if err := s.Offer(uid, l); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]net.Listener{}
	for range 2 {
		l := next(t, ctx, c.Listeners())
		got[l.UID] = l.L
	}
	if err := s.Publish(State{Revision: 1, Objects: []*mesh.Object{pod(t, "a", "stays", "")}}); err != nil {
		t.Fatal(err)
	}
	next(t, ctx, out)
	c.Settled(1)
	if err := s.WaitSettled(ctx, 1); err != nil {
		t.Fatal(err)
	}

	s.Close()
	away := next(t, ctx, out)
	if len(away.Objects) != 1 || len(away.Findings) != 1 || away.Findings[0].Code != mesh.CodeSourceAway {
		t.Fatalf("after the loss: %+v", away)
	}

	if s, err = Listen(path, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Offer("stays", stays); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(State{Revision: 1}); err != nil {
		t.Fatal(err)
	}
	back := next(t, ctx, out)
	if len(back.Objects) != 0 || len(back.Findings) != 0 {
		t.Fatalf("after the return: %+v", back)
	}
	if _, err := got["leaves"].Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a pod that left meanwhile: %v", err)
	}
	call(t, got["stays"], stays.Addr().String())

	// A new supervisor counts anew: its state 1 is not settled by the old word.
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := s.WaitSettled(short, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("settled too early: %v", err)
	}
	c.Settled(1)
	if err := s.WaitSettled(ctx, 1); err != nil {
		t.Error(err)
	}
}

func TestSettledIsRepeatedAfterALostConnection(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	c, out := start(t, path)
	if err := s.Publish(State{Revision: 3}); err != nil {
		t.Fatal(err)
	}
	next(t, ctx, out)
	c.Settled(3)
	if err := s.WaitSettled(ctx, 3); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.current.conn.Close()
	s.mu.Unlock()
	next(t, ctx, out) // away
	next(t, ctx, out) // back
	if err := s.WaitSettled(ctx, 3); err != nil {
		t.Error(err)
	}
}

func TestNewestStateWinsWhileTheReaderIsSlow(t *testing.T) {
	ctx := testContext(t)
	s, path := listen(t)
	_, out := start(t, path)
	big := strings.Repeat("x", 1<<20) // more than the socket's buffer
	const last = 30
	for rev := uint64(1); rev <= last; rev++ {
		o := pod(t, "a", "u1", fmt.Sprintf("10.66.0.%d", rev))
		o.Spec.(*corev1.Pod).Status.Message = big
		if err := s.Publish(State{Revision: rev, Objects: []*mesh.Object{o}}); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for {
		u := next(t, ctx, out)
		seen++
		if u.Token == last {
			break
		}
	}
	if seen > 5 {
		t.Errorf("%d of %d states were sent to a reader that was slow", seen, last)
	}
}

func pair(t *testing.T) (*Conn, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pair.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return NewConn(b), a.(*net.UnixConn)
}

func TestBrokenFrames(t *testing.T) {
	huge := binary.BigEndian.AppendUint32(nil, MaxFrame+1)
	tests := []struct {
		name string
		send []byte
		want func(error) bool
	}{
		{"too large", huge, func(err error) bool { return errors.Is(err, errFrameSize) }},
		{"cut in the length", []byte{0, 0}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"cut in the payload", []byte{0, 0, 0, 9, '{'}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"no JSON", []byte{0, 0, 0, 1, '?'}, func(err error) bool { return strings.Contains(err.Error(), "decode frame") }},
		{"end", nil, func(err error) bool { return errors.Is(err, io.EOF) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, raw := pair(t)
			if _, err := raw.Write(tt.send); err != nil {
				t.Fatal(err)
			}
			raw.Close()
			if _, _, err := conn.ReadFrame(); err == nil || !tt.want(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDescriptorsStayWithTheirFrames(t *testing.T) {
	conn, raw := pair(t)
	sender := NewConn(raw)
	var names []string
	for i := range 3 {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i))
		names = append(names, path)
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := sender.WriteFrame(Frame{Gone: &Pod{UID: "between"}}, nil); err != nil {
			t.Fatal(err)
		}
		if err := sender.WriteFrame(Frame{Listener: &Pod{UID: path}}, file); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range names {
		if f, file, err := conn.ReadFrame(); err != nil || file != nil || f.Gone == nil {
			t.Fatalf("frame %+v, file %v, %v", f, file, err)
		}
		f, file, err := conn.ReadFrame()
		if err != nil || file == nil {
			t.Fatalf("frame %+v, file %v, %v", f, file, err)
		}
		if _, err := file.WriteString(want); err != nil {
			t.Fatal(err)
		}
		file.Close()
		if got, err := os.ReadFile(want); err != nil || string(got) != want || f.Listener.UID != want {
			t.Errorf("frame of %q carried the file of %q: %v", f.Listener.UID, got, err)
		}
	}
}

func TestUnknownObjectIsAFinding(t *testing.T) {
	s := &session{}
	u := s.update(WireState{Revision: 1, Objects: []WireObject{
		{Object: []byte(`{"apiVersion":"v9","kind":"Strange","metadata":{"name":"x"}}`)},
		{Object: []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}`)},
	}}, Dial("", nil).log)
	if len(u.Objects) != 1 || len(u.Findings) != 1 || !strings.Contains(u.Findings[0].Message, "Strange") {
		t.Errorf("got %+v", u)
	}
}
