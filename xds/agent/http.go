package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/xds/admit"
)

// endpoints are the HTTP handlers of the agent.
type endpoints struct {
	vault   *vault
	ready   *readiness
	metrics *merged
	admin   *admin
	log     *slog.Logger
}

// public is what anybody in the mesh may ask: 15020.
func (e *endpoints) public() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /stats/prometheus", e.metrics)
	mux.Handle("GET /metrics", e.metrics)
	mux.Handle("GET /healthz/ready", e.ready)
	return mux
}

// private is what the owner of the pod's folder may ask besides.
func (e *endpoints) private() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", e.public())
	mux.HandleFunc("GET /debug/{page}", e.debug)
	mux.HandleFunc("GET "+CertificatePath, e.certificate)
	mux.HandleFunc("GET "+LogLevelPath, e.logLevel)
	mux.HandleFunc("PUT "+LogLevelPath, e.logLevel)
	return mux
}

// CertificatePath is where the owner of the pod's folder reads a Certificate.
const CertificatePath = "/certificate"

// Certificate is what the pod's proxy presents to others, as JSON.
type Certificate struct {
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	Names     []string  `json:"names"` // URIs, then DNS names
}

func (e *endpoints) certificate(w http.ResponseWriter, _ *http.Request) {
	c := e.vault.credential()
	if c == nil {
		http.Error(w, "there is no certificate yet", http.StatusNotFound)
		return
	}
	out := Certificate{NotBefore: c.leaf.NotBefore, NotAfter: c.leaf.NotAfter, Names: []string{}}
	for _, uri := range c.leaf.URIs {
		out.Names = append(out.Names, uri.String())
	}
	out.Names = append(out.Names, c.leaf.DNSNames...)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		e.log.Debug("the certificate was not told whole", "error", err)
	}
}

// health is readiness alone: 15021.
func (e *endpoints) health() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz/ready", e.ready)
	return mux
}

// stats are Envoy's own statistics as Envoy gives them: 15090.
func (e *endpoints) stats() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats/prometheus", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", textFormat)
		if err := e.metrics.envoy(req.Context(), w, false); err != nil {
			e.log.Debug("statistics of Envoy cannot be had", "error", err)
		}
	})
	return mux
}

// debugPages are the pages of Envoy's admin interface that only show things.
// Envoy itself writes "[redacted]" in place of private keys.
func debugPages() []string {
	return []string{"config_dump", "clusters", "listeners", "server_info", "stats", "certs", "runtime", "init_dump"}
}

func (e *endpoints) debug(w http.ResponseWriter, req *http.Request) {
	page := req.PathValue("page")
	if !slices.Contains(debugPages(), page) {
		http.NotFound(w, req)
		return
	}
	path := "/" + url.PathEscape(page)
	if req.URL.RawQuery != "" {
		path += "?" + req.URL.RawQuery
	}
	res, err := e.admin.open(req.Context(), http.MethodGet, path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	if _, err := io.Copy(w, res.Body); err != nil {
		e.log.Debug("answer of Envoy was not passed on whole", "page", page, "error", err)
	}
}

// connections bounds those of each port. Who asks are probes and those who
// collect metrics, one or two connections each; any pod may try more.
var connections = admit.Limits{Total: 256, PerClient: 16}

// serveHTTP serves until ctx ends, as many connections as may be.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, MaxHeaderBytes: 16 << 10, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, // of what is scraped every 30 s, too
	}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(admit.Listener(l, connections)); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// forward connects everybody who dials a listener with a unix socket, until
// ctx ends.
func forward(ctx context.Context, l net.Listener, socket string) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		from, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		go splice(ctx, from, socket)
	}
}

func splice(ctx context.Context, from net.Conn, socket string) {
	defer from.Close()
	to, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return // the caller sees its connection closed
	}
	defer to.Close()
	defer context.AfterFunc(ctx, func() { from.Close(); to.Close() })()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(to, from)
		if u, ok := to.(*net.UnixConn); ok {
			_ = u.CloseWrite()
		}
	}()
	_, _ = io.Copy(from, to)
	from.Close()
	<-done
}
