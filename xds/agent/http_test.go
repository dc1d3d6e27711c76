package agent

import (
	"net"
	"net/http"
	"testing"
)

// One client cannot open as many connections as it likes, and keeps nobody else
// from asking.
func TestOneClientIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serveHTTP(t.Context(), l, http.NotFoundHandler()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	ask := func(from string) error {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", l.Addr().String())
		if err == nil {
			t.Cleanup(func() { c.Close() })
			_, err = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		}
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		return err
	}
	held := 0
	for ; held < 10*connections.PerClient; held++ {
		if err := ask("127.0.0.1"); err != nil {
			break
		}
	}
	if held != connections.PerClient {
		t.Errorf("one client holds %d connections, and may %d", held, connections.PerClient)
	}
	if err := ask("127.0.0.2"); err != nil {
		t.Errorf("another client: %v", err)
	}
}
