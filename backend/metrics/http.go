// Package metrics asks Prometheus what happens in the mesh: traffic for the
// graph, series for charts, and the targets to scrape for a Prometheus outside.
// PromQL is written only here, and the client is Prometheus' own, so that the
// embedded server and a user's own are read by the same code.
package metrics

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// Open is a Client of the Prometheus (or Thanos, Mimir …) at a URL.
func Open(url string) (*Client, error) {
	return dial(url, nil)
}

// Local is a Client of a Prometheus API in this process.
func Local(h http.Handler) (*Client, error) {
	return dial("http://embedded", handlerTransport{h})
}

func dial(url string, transport http.RoundTripper) (*Client, error) {
	c, err := api.NewClient(api.Config{Address: url, RoundTripper: transport})
	if err != nil {
		return nil, fmt.Errorf("address of Prometheus %q: %w", url, err)
	}
	return New(promv1.NewAPI(c)), nil
}

// handlerTransport answers requests by calling a handler, without a network.
type handlerTransport struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. A handler that is still at work when
// the request's context ends is not waited for longer than it takes to notice.
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	w := &answer{header: http.Header{}, code: http.StatusOK}
	t.handler.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.code, http.StatusText(w.code)), StatusCode: w.code,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer gathers what a handler writes.
type answer struct {
	header http.Header
	body   bytes.Buffer
	code   int
	wrote  bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if !a.wrote {
		a.code, a.wrote = code, true
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.wrote = true
	return a.body.Write(b)
}
