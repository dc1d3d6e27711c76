package relay

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestServeHandsOnTheEndOfTheStream(t *testing.T) {
	back, front := listen(t), listen(t)
	go func() {
		c, err := back.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c) // until the client says that it has said all
		c.Write(append(all, '!'))
	}()
	go Serve(front, slog.New(slog.DiscardHandler), func(net.Conn) (net.Conn, error) {
		return net.Dial("tcp", back.Addr().String())
	})
	c, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello!" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestServeResetsWhereNobodyIs(t *testing.T) {
	front := listen(t)
	go Serve(front, slog.New(slog.DiscardHandler), func(net.Conn) (net.Conn, error) {
		return nil, errors.New("nobody")
	})
	c, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		return // the reset came before Dial had returned
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestProxyHeader(t *testing.T) {
	got := ProxyHeader(netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("10.66.0.2:8080"))
	want := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"),
		127, 0, 0, 1, 10, 66, 0, 2, 0x9c, 0x40, 0x1f, 0x90)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = ProxyHeader(netip.MustParseAddrPort("[::1]:1"), netip.MustParseAddrPort("10.66.0.2:80"))
	if len(got) != 16+36 {
		t.Errorf("%d bytes of header for IPv6", len(got))
	}
}
