package agent

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// admin is Envoy's admin interface on its unix socket.
type admin struct {
	socket string
	client *http.Client
}

func newAdmin(socket string) *admin {
	return &admin{
		socket: socket,
		client: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
			MaxIdleConns:    2,
			IdleConnTimeout: 30 * time.Second,
		}},
	}
}

// open starts a request; the caller closes the body.
func (a *admin) open(ctx context.Context, method, pathAndQuery string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://envoy"+pathAndQuery, nil)
	if err != nil {
		return nil, err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Envoy: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("ask Envoy for %s: %s", pathAndQuery, res.Status)
	}
	return res, nil
}

// post does something in Envoy.
func (a *admin) post(ctx context.Context, pathAndQuery string) error {
	res, err := a.open(ctx, http.MethodPost, pathAndQuery)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// counts reads the statistics whose names match a regular expression; those
// that are no whole numbers are left out.
func (a *admin) counts(ctx context.Context, filter string) (map[string]int64, error) {
	res, err := a.open(ctx, http.MethodGet, "/stats?filter="+filter)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("read Envoy's statistics: %w", err)
	}
	return parseCounts(string(text)), nil
}

func parseCounts(text string) map[string]int64 {
	out := map[string]int64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			out[name] = n
		}
	}
	return out
}
