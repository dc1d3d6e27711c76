package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/heddle-mesh/heddle/backend/socket"
)

// Client asks the supervisor of a state folder.
type Client struct {
	state, path string
	http        *http.Client
}

// NewClient makes a client of the supervisor in a state folder. Nothing is
// connected before the first question.
func NewClient(state string) *Client {
	path := SocketPath(state)
	return &Client{state: state, path: path, http: socket.At(path).Client()}
}

// State is the state folder.
func (c *Client) State() string { return c.state }

// ErrNotRunning reports that no supervisor answers.
var ErrNotRunning = errors.New("no mesh runs")

func (c *Client) do(ctx context.Context, method, path string, q url.Values, body any) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "supervisor", Path: path, RawQuery: q.Encode()}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return nil, fmt.Errorf("%w on %s: start one with `heddle up`, or name its folder with --state", ErrNotRunning, c.state)
	case err != nil:
		return nil, fmt.Errorf("ask the supervisor at %s: %w", c.path, err)
	case resp.StatusCode >= 300:
		defer resp.Body.Close()
		var problem struct {
			Error string `json:"error"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Error == "" {
			return nil, fmt.Errorf("the supervisor answered %s", resp.Status)
		}
		return nil, errors.New(problem.Error)
	}
	return resp, nil
}

// Status is how the cluster is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	resp, err := c.do(ctx, http.MethodGet, "/status", nil, nil)
	if err != nil {
		return Status{}, err
	}
	defer resp.Body.Close()
	var out Status
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}
	return out, nil
}

// LogsRequest says which output is wanted.
type LogsRequest struct {
	Pod       string // NAME or NAMESPACE/NAME of a pod or a Deployment
	Container string // empty is the first; "proxy" is the proxy
	Tail      int    // lines from the end; negative is all
	Follow    bool   // go on with what is added
}

// Logs is the output of a container. The caller closes it.
func (c *Client) Logs(ctx context.Context, r LogsRequest) (io.ReadCloser, error) {
	q := url.Values{"pod": {r.Pod}, "container": {r.Container}, "follow": {strconv.FormatBool(r.Follow)}}
	if r.Tail >= 0 {
		q.Set("tail", strconv.Itoa(r.Tail))
	}
	resp, err := c.do(ctx, http.MethodGet, "/logs", q, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Exec runs a command in a pod and waits for it.
func (c *Client) Exec(ctx context.Context, r ExecRequest) (ExecResult, error) {
	resp, err := c.do(ctx, http.MethodPost, "/exec", nil, r)
	if err != nil {
		return ExecResult{}, err
	}
	defer resp.Body.Close()
	var out ExecResult
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return ExecResult{}, fmt.Errorf("read result: %w", err)
	}
	return out, nil
}

// Down stops the cluster and waits until it has ended.
func (c *Client) Down(ctx context.Context) error {
	resp, err := c.do(ctx, http.MethodPost, "/down", nil, nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if !locked(c.state) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the mesh to end: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}
