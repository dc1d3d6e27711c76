// Package link carries calls, and the files that go with them, between the
// processes of the local cluster.
//
// A Link is a SOCK_SEQPACKET pair that carries nothing but fresh connections:
// every call travels on a unix stream socket of its own. So calls run at the
// same time without numbering, an answer may be a stream, closing one end tells
// the other that nobody waits any more, and a process in the middle passes a
// connection on instead of copying what goes over it.
package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Link is one end of a connection between two processes. Opening and passing
// may be done from any goroutine, Accept from one.
type Link struct{ conn *net.UnixConn }

// Pair makes both ends of a link; far is for another process.
func Pair() (near *Link, far *os.File, err error) {
	a, b, err := pair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, nil, err
	}
	near, err = From(a)
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return near, b, nil
}

func pair(kind int) (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "link"), os.NewFile(uintptr(fds[1]), "link"), nil
}

// From makes a link of its far end, which it takes over.
func From(f *os.File) (*Link, error) {
	c, err := unixConn(f)
	if err != nil {
		return nil, err
	}
	return &Link{c}, nil
}

// unixConn takes over f.
func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("use a received socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("use a received socket: it is no unix socket")
	}
	return u, nil
}

// Close ends the link. Connections that came over it live on.
func (l *Link) Close() error { return l.conn.Close() }

// Pass hands a connection to the process at the other end. To names who is
// meant, where that process passes on for others.
func (l *Link) Pass(to string, f *os.File) error {
	// A packet of no bytes would read as the end.
	if err := send(l.conn, []byte("@"+to), []*os.File{f}); err != nil {
		return fmt.Errorf("open a call: %w", err)
	}
	return nil
}

// Accept waits for a connection. The error is io.EOF when the other process is
// gone.
func (l *Link) Accept() (to string, f *os.File, err error) {
	for {
		buf := make([]byte, 256)
		n, files, err := receive(l.conn, buf)
		if err != nil {
			return "", nil, err
		}
		if n > 0 && len(files) == 1 {
			return string(buf[1:n]), files[0], nil
		}
		CloseAll(files) // not what a Link sends
	}
}

// Open starts a call on a connection of its own.
func (l *Link) Open(to, op string, in any, files ...*os.File) (*Conn, error) {
	near, far, err := pair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer far.Close()
	c, err := NewConn(near)
	if err != nil {
		return nil, err
	}
	if err := l.Pass(to, far); err != nil {
		c.Close()
		return nil, err
	}
	body, err := json.Marshal(in)
	if err == nil {
		err = c.Send(message{Op: op, Body: body}, files...)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("call %s: %w", op, err)
	}
	return c, nil
}

// Call makes one call and waits for its one answer, which is decoded into out
// unless that is nil.
func (l *Link) Call(to, op string, in, out any, files ...*os.File) ([]*os.File, error) {
	c, err := l.Open(to, op, in, files...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Answer(out)
}

// message is what goes over a Conn, as JSON with its length before it.
type message struct {
	Op    string          `json:"op,omitempty"`
	Error string          `json:"error,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// Answer waits for the next answer. An error that the other side gave is
// returned as its text; io.EOF says that there are no more answers.
func (c *Conn) Answer(out any) ([]*os.File, error) {
	var m message
	files, err := c.Receive(&m)
	if err != nil {
		return nil, err
	}
	if m.Error != "" {
		CloseAll(files)
		return nil, errors.New(m.Error)
	}
	if out != nil {
		if err := json.Unmarshal(m.Body, out); err != nil {
			CloseAll(files)
			return nil, fmt.Errorf("decode an answer: %w", err)
		}
	}
	return files, nil
}

// A Request is a call to be answered.
type Request struct {
	Op    string
	Files []*os.File // closed when the handler returns
	body  json.RawMessage
	conn  *Conn
	gone  chan struct{}
}

// Decode reads what the caller sent.
func (r *Request) Decode(into any) error {
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("decode call %s: %w", r.Op, err)
	}
	return nil
}

// Gone is closed when the caller went away.
func (r *Request) Gone() <-chan struct{} { return r.gone }

// Answer sends an answer before the last one, which the handler returns.
func (r *Request) Answer(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.conn.Send(message{Body: body})
}

// Handler answers a call: with a value and files, which are closed after they
// were sent, or an error.
type Handler func(r *Request) (any, []*os.File, error)

// Serve answers the one call on a connection.
func Serve(f *os.File, h Handler) {
	c, err := NewConn(f)
	if err != nil {
		return // the caller sees the end of the connection
	}
	defer c.Close()
	var m message
	files, err := c.Receive(&m)
	if err != nil {
		return
	}
	defer CloseAll(files)
	r := &Request{Op: m.Op, Files: files, body: m.Body, conn: c, gone: make(chan struct{})}
	go func() {
		// The caller sends nothing more: reading ends when it closes its end.
		io.Copy(io.Discard, c.conn)
		close(r.gone)
	}()
	out, give, err := h(r)
	defer CloseAll(give)
	answer := message{}
	if err == nil {
		answer.Body, err = json.Marshal(out)
	}
	if err != nil {
		answer = message{Error: err.Error()}
		CloseAll(give)
		give = nil
	}
	c.Send(answer, give...)
}

// CloseAll closes files.
func CloseAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// maxFiles travel with one message at most.
const maxFiles = 8

func send(c *net.UnixConn, data []byte, files []*os.File) error {
	if len(files) > maxFiles {
		return fmt.Errorf("%d files are too many for one message", len(files))
	}
	var rights []byte
	fds := make([]int, len(files))
	for i, f := range files {
		raw, err := f.SyscallConn() // Fd would make the file block
		if err != nil {
			return err
		}
		if err := raw.Control(func(fd uintptr) { fds[i] = int(fd) }); err != nil {
			return err
		}
	}
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	n, _, err := c.WriteMsgUnix(data, rights, nil)
	for err == nil && n < len(data) {
		var more int
		more, err = c.Write(data[n:])
		n += more
	}
	return err
}

func receive(c *net.UnixConn, into []byte) (int, []*os.File, error) {
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, rn, flags, _, err := c.ReadMsgUnix(into, rights)
	if err != nil {
		return 0, nil, err
	}
	var files []*os.File
	controls, err := unix.ParseSocketControlMessage(rights[:rn])
	if err != nil {
		return 0, nil, fmt.Errorf("read attached files: %w", err)
	}
	for _, control := range controls {
		fds, err := unix.ParseUnixRights(&control)
		if err != nil {
			continue // another kind of control message
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	switch {
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		CloseAll(files)
		return 0, nil, errors.New("a message was cut")
	case n == 0:
		CloseAll(files)
		return 0, nil, io.EOF
	}
	return n, files, nil
}
