// Package socket speaks HTTP over unix sockets: over those of the mesh's own
// processes, and over those that the programs of a pod serve, which are
// believed nothing.
package socket

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Dial connects to one socket. It is safe for concurrent use.
type Dial func(ctx context.Context) (net.Conn, error)

// At dials a socket in a folder that nobody but the mesh's owner writes to. For
// the folder of a pod there is InPod.
func At(path string) Dial {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
}

// Bounds of what the other side may make this one do.
const (
	maxAnswerHeader = 64 << 10
	getWithin       = 20 * time.Second
)

// Client is an HTTP client whose every request goes to the socket, whatever
// host its URL names. It follows no redirects and unpacks nothing.
func (d Dial) Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) },
			DisableCompression: true, MaxResponseHeaderBytes: maxAnswerHeader,
			MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get asks once for a path, with its query, and returns the body of the answer
// 200. An answer of more than limit bytes, or one that takes longer than 20 s,
// is an error.
func (d Dial) Get(ctx context.Context, path string, limit int64) ([]byte, error) {
	return d.ask(ctx, http.MethodGet, path, limit)
}

// Put is as Get, for a path that changes something.
func (d Dial) Put(ctx context.Context, path string, limit int64) ([]byte, error) {
	return d.ask(ctx, http.MethodPut, path, limit)
}

func (d Dial) ask(ctx context.Context, method, path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, getWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://socket"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	client := d.Client()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // the status says enough
		return nil, fmt.Errorf("the answer is %q: %q", resp.Status, said)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return body, nil
}
