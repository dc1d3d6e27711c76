package link

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
)

// maxMessage bounds what a broken peer can make this side allocate, in bytes.
const maxMessage = 32 << 20

// Conn carries the messages of one call.
type Conn struct{ conn *net.UnixConn }

// NewConn takes over f, a unix stream socket.
func NewConn(f *os.File) (*Conn, error) {
	c, err := unixConn(f)
	if err != nil {
		return nil, err
	}
	return &Conn{c}, nil
}

// Close ends the call.
func (c *Conn) Close() error { return c.conn.Close() }

// Send writes one message, with files that stay the caller's.
func (c *Conn) Send(v any, files ...*os.File) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(data) > maxMessage {
		return fmt.Errorf("a message of %d bytes is too large", len(data))
	}
	framed := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	return send(c.conn, append(framed, data...), files)
}

// Receive reads one message and the files that came with it. The error is
// io.EOF at the end of the call.
func (c *Conn) Receive(v any) ([]*os.File, error) {
	var head [4]byte
	n, files, err := receive(c.conn, head[:])
	if err != nil {
		return nil, err
	}
	fail := func(err error) ([]*os.File, error) {
		CloseAll(files)
		return nil, err
	}
	if _, err := io.ReadFull(c.conn, head[n:]); err != nil {
		return fail(err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxMessage {
		return fail(fmt.Errorf("a message of %d bytes is too large", size))
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(c.conn, data); err != nil {
		return fail(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fail(fmt.Errorf("decode a message: %w", err))
	}
	return files, nil
}
