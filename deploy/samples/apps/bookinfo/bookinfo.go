// Package bookinfo is a book shop of four small services that are made to fail
// in instructive ways:
//
//	productpage → details
//	            → reviews v1
//	            → reviews v2, v3 → ratings
//
// Every answer names the version that gave it in the header x-served-by, and
// every call passes on who is asking and the trace that it belongs to.
package bookinfo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// ServedBy is the response header that names the application and version that
// answered: "reviews-v2".
const ServedBy = "X-Served-By"

// EndUser is the request header with the user who is signed in. Routes match on
// it.
const EndUser = "End-User"

// passedOn are the request headers that go from a request to the requests made
// for it: who asks, and the contexts of the common tracers.
var passedOn = []string{
	EndUser, "User-Agent", "X-Request-Id",
	"Traceparent", "Tracestate", "Baggage",
	"B3", "X-B3-Traceid", "X-B3-Spanid", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Flags",
	"Authorization",
}

// passOn copies what has to follow a request.
func passOn(from, to http.Header) {
	for _, name := range passedOn {
		for _, v := range from.Values(name) {
			to.Add(name, v)
		}
	}
}

// served marks every answer with the name of who gave it and logs it.
func served(name string, log *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w.Header().Set(ServedBy, name)
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		if r.URL.Path != "/health" { // probes would drown the rest
			log.Info("request served", "method", r.Method, "path", r.URL.Path, "status", seen.status,
				"user", r.Header.Get(EndUser), "millis", time.Since(began).Milliseconds())
		}
	})
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "healthy"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone when this fails
}

// productID reads the number in the path and answers 400 when it is none.
func productID(w http.ResponseWriter, r *http.Request) (int, bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 0 {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "please provide a numeric product ID"})
		return 0, false
	}
	return id, true
}

// maxBody bounds what one service takes from another, in bytes.
const maxBody = 1 << 20

// get asks another service for JSON on behalf of a request. A status other than
// 200 is an error together with the status; the status is 0 when no answer came.
func get(ctx context.Context, client *http.Client, on *http.Request, url string, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", url, err)
	}
	passOn(on.Header, req.Header)
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return 0, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return resp.StatusCode, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return resp.StatusCode, nil
}
