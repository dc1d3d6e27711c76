package local

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/heddle-mesh/heddle/mesh"
)

// MaxFrame is the largest payload of a frame in bytes, both ways. It bounds
// what a broken peer can make the other side allocate, and holds the objects of
// some ten thousand pods.
const MaxFrame = 64 << 20

// errFrameSize reports a frame beyond MaxFrame.
var errFrameSize = errors.New("frame is too large")

// Frame is one message; exactly one field is set.
type Frame struct {
	// Supervisor to control plane.
	Hello    *Hello     `json:"hello,omitempty"`
	State    *WireState `json:"state,omitempty"`
	Listener *Pod       `json:"listener,omitempty"` // with the listening socket attached
	Gone     *Pod       `json:"gone,omitempty"`
	Taken    *Taken     `json:"taken,omitempty"` // before Hello, and instead of it

	// Control plane to supervisor.
	Settled *Settled `json:"settled,omitempty"`
}

// Hello is the first frame for the control plane that has the cluster.
type Hello struct {
	// Instance names the run of the supervisor: revisions count within it.
	Instance string `json:"instance"`
	// Pods are those whose sockets the supervisor holds. The receiver forgets
	// every other.
	Pods []string `json:"pods"`
}

// WireState is a State as it is sent.
type WireState struct {
	Revision uint64         `json:"revision"`
	Objects  []WireObject   `json:"objects"`
	Findings []mesh.Finding `json:"findings,omitempty"`
}

// WireObject is one object in the JSON of the Kubernetes API, and where it
// came from.
type WireObject struct {
	Object json.RawMessage `json:"object"`
	Origin mesh.Origin     `json:"origin,omitzero"`
}

// Pod names a pod.
type Pod struct {
	UID string `json:"uid"`
}

// Settled says that every connected proxy has acknowledged what follows from a
// state.
type Settled struct {
	Revision uint64 `json:"revision"`
}

// Taken says that another control plane has the cluster. Hello follows when that
// one is gone.
type Taken struct {
	PID   int       `json:"pid"` // of its process; 0 when it is not known
	Since time.Time `json:"since"`
}

// Error says who has the cluster and what to do.
func (t *Taken) Error() string {
	who := "another process"
	if t.PID != 0 {
		who = fmt.Sprintf("process %d", t.PID)
	}
	return fmt.Sprintf("this cluster has a control plane already (%s, since %s), and this one waits until that ends: "+
		"end it (`heddle down` if `heddle up` runs it), or give this one another cluster (--state, or the socket in HEDDLE_CLUSTER)",
		who, t.Since.UTC().Format(time.DateTime+" UTC"))
}

// Conn reads and writes frames. One goroutine may read while another writes.
type Conn struct {
	c *net.UnixConn
}

// NewConn makes a Conn of a connected unix stream socket, which it owns from
// then on.
func NewConn(c *net.UnixConn) *Conn { return &Conn{c: c} }

// Close ends the connection; blocked reads and writes return an error.
func (c *Conn) Close() error { return c.c.Close() }

// WriteFrame sends a frame; file, when not nil, goes with it and stays open on
// this side.
func (c *Conn) WriteFrame(f Frame, file *os.File) error {
	payload, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	if len(payload) > MaxFrame {
		return fmt.Errorf("write frame of %d bytes: %w", len(payload), errFrameSize)
	}
	buf := make([]byte, 4+len(payload))
	binary.BigEndian.PutUint32(buf, uint32(len(payload)))
	copy(buf[4:], payload)
	if file == nil {
		if _, err := c.c.Write(buf); err != nil {
			return fmt.Errorf("write frame: %w", err)
		}
		return nil
	}

	// SyscallConn instead of Fd, which would make the socket block.
	raw, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("attach socket: %w", err)
	}
	var n int
	var sendErr error
	if err := raw.Control(func(fd uintptr) {
		n, _, sendErr = c.c.WriteMsgUnix(buf, unix.UnixRights(int(fd)), nil)
	}); err != nil {
		return fmt.Errorf("attach socket: %w", err)
	}
	if sendErr != nil {
		return fmt.Errorf("write frame with socket: %w", sendErr)
	}
	if n < len(buf) {
		if _, err := c.c.Write(buf[n:]); err != nil {
			return fmt.Errorf("write frame with socket: %w", err)
		}
	}
	return nil
}

// ReadFrame receives a frame and the file that came with it, nil when there
// was none. The file is the caller's to close. At the end of the stream the
// error is io.EOF.
func (c *Conn) ReadFrame() (Frame, *os.File, error) {
	head, file, err := c.readHead()
	if err != nil {
		return Frame{}, nil, err
	}
	f, err := c.readPayload(head)
	if err != nil {
		if file != nil {
			file.Close()
		}
		return Frame{}, nil, err
	}
	return f, file, nil
}

// readHead reads the length, byte by byte if need be, and what is attached to
// its first byte. It never reads beyond the length, so that no descriptor of
// the next frame is taken for this one's.
func (c *Conn) readHead() (head [4]byte, file *os.File, err error) {
	defer func() {
		if err != nil && file != nil {
			file.Close()
			file = nil
		}
	}()
	oob := make([]byte, unix.CmsgSpace(4*4)) // room for more than the one descriptor that is allowed
	for got := 0; got < len(head); {
		n, oobn, flags, _, err := c.c.ReadMsgUnix(head[got:], oob)
		if oobn > 0 {
			next, rightsErr := receive(oob[:oobn], flags)
			switch {
			case rightsErr != nil:
				return head, file, rightsErr
			case file != nil && next != nil:
				next.Close()
				return head, file, errors.New("read frame: more than one descriptor attached")
			case next != nil:
				file = next
			}
		}
		got += n
		switch {
		case err == nil && n == 0, errors.Is(err, io.EOF):
			if got == 0 {
				return head, file, io.EOF
			}
			return head, file, io.ErrUnexpectedEOF
		case err != nil:
			return head, file, fmt.Errorf("read frame: %w", err)
		}
	}
	return head, file, nil
}

func (c *Conn) readPayload(head [4]byte) (Frame, error) {
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxFrame {
		return Frame{}, fmt.Errorf("read frame of %d bytes: %w", size, errFrameSize)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(c.c, payload); err != nil {
		return Frame{}, fmt.Errorf("read frame: %w", err)
	}
	var f Frame
	if err := json.Unmarshal(payload, &f); err != nil {
		return Frame{}, fmt.Errorf("decode frame: %w", err)
	}
	return f, nil
}

// receive takes the one descriptor out of a control message and closes any
// more than that.
func receive(oob []byte, flags int) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("read attached descriptor: %w", err)
	}
	var fds []int
	for _, m := range messages {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // another kind of control message
		}
		fds = append(fds, got...)
	}
	if len(fds) == 1 && flags&unix.MSG_CTRUNC == 0 {
		return os.NewFile(uintptr(fds[0]), "attached"), nil
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	if len(fds) == 0 && flags&unix.MSG_CTRUNC == 0 {
		return nil, nil
	}
	return nil, errors.New("read frame: more than one descriptor attached")
}

// duplicate is another descriptor of the same socket.
func duplicate(file *os.File) (*os.File, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(old uintptr) {
		fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, dupErr
	}
	return os.NewFile(uintptr(fd), file.Name()), nil
}
