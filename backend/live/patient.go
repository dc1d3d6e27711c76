package live

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// patient is a response whose connection, once it is hijacked, gives up a write
// only when nothing of it went out for the time of stall: a large message over
// a slow line takes as long as it takes.
type patient struct {
	http.ResponseWriter
	stall time.Duration
}

// Hijack implements http.Hijacker.
func (p patient) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(p.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &patientConn{Conn: conn, stall: p.stall}, rw, nil
}

// patientConn is written in pieces, each with a deadline of its own.
type patientConn struct {
	net.Conn
	stall time.Duration
}

// piece is written at a time.
const piece = 32 << 10

// Write implements net.Conn.
func (c *patientConn) Write(data []byte) (n int, err error) {
	for {
		part := data[n:min(n+piece, len(data))]
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return n, err
		}
		wrote, err := c.Conn.Write(part)
		n += wrote
		if err != nil || n == len(data) {
			return n, err
		}
	}
}

// SetWriteDeadline does nothing: writes have their own.
func (c *patientConn) SetWriteDeadline(time.Time) error { return nil }
