package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/backend/socket"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// client speaks to the control plane of a state folder over its unix socket.
// Whoever may open the socket owns the mesh; no login is needed.
type client struct {
	http   *http.Client
	socket string
}

func newClient(g *globals) (*client, error) {
	state, err := filepath.Abs(g.state)
	if err != nil {
		return nil, err
	}
	c := &client{socket: filepath.Join(state, "run", "heddle.sock")}
	c.http = socket.At(c.socket).Client()
	c.http.Timeout = 60 * time.Second
	return c, nil
}

// problem is the server's answer to a request that it refused (RFC 9457).
type problem struct {
	Code     string         `json:"code"` // says what it is, whatever the words
	Title    string         `json:"title"`
	Detail   string         `json:"detail"`
	Status   int            `json:"status"`
	Findings []mesh.Finding `json:"findings"`
	// Conflicts are what others changed meanwhile.
	Conflicts []merge.Conflict `json:"conflicts"`
	Errors    []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

func (p problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	text = plain.Text(text)
	for _, e := range p.Errors {
		text += "\n  "
		// "query.window" is what a person called window.
		if _, field, ok := strings.Cut(e.Location, "."); ok {
			text += plain.Text(field) + ": "
		}
		text += plain.Text(e.Message)
	}
	for _, f := range p.Findings {
		text += "\n  " + findingLine(f)
	}
	return text
}

// busyFor is how long a control plane that is too busy to begin is asked again.
const busyFor = 60 * time.Second

// call sends body as JSON, unless it is nil, and decodes the answer into out,
// unless that is nil. A server that is too busy to begin is asked again when it
// says so: scripts may run many of these commands side by side.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body, out any, header ...string) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for giveUp := time.Now().Add(busyFor); ; {
		pause, err := c.once(ctx, method, path, query, data, out, header...)
		if pause == 0 || time.Now().Add(pause).After(giveUp) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// once is one request of call. pause is when to ask again, if that is of use.
func (c *client) once(ctx context.Context, method, path string, query url.Values, data []byte, out any, header ...string) (pause time.Duration, err error) {
	target := "http://heddle" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	if data != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		p := problem{Status: resp.StatusCode, Title: resp.Status}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if json.Unmarshal(text, &p) != nil {
			p.Detail = strings.TrimSpace(string(text))
		}
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && p.Code == "busy" {
			pause = time.Duration(max(seconds, 1)) * time.Second
		}
		return pause, exitError{exitFailed, p}
	}
	if out == nil {
		return 0, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return 0, fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return 0, nil
}

func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, out)
}

// unreachable says what a failed connection means for the person at the keyboard.
func (c *client) unreachable(err error) error {
	state := filepath.Dir(filepath.Dir(c.socket))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no mesh runs on %s: start one with `heddle up`, or name its folder with --state", state)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the control plane of %s does not answer: see `heddle status`", state)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the mesh on %s belongs to another user", state)
	}
	return err
}
