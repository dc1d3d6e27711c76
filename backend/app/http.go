package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/mesh/private"
)

// serveAPI answers the owner on a unix socket and everybody else on TCP. The
// owner is answered also while another program has the TCP port: it may be one
// that only the owner can end, such as a service of the mesh.
func (p *plane) serveAPI(ctx context.Context) error {
	token, err := scrapeToken(filepath.Join(p.settings.State, "scrape-token"))
	if err != nil {
		return err
	}
	secure, named, err := serverTLS(p.settings.TLSCert, p.settings.TLSKey)
	if err != nil {
		return err
	}
	page, err := console()
	if err != nil {
		return err
	}
	proxies, err := api.ParseProxies(p.settings.TrustedProxies)
	if err != nil {
		return err
	}
	handlers := api.New(api.Options{
		Mesh: p, Name: p.settings.Mesh.ClusterName, Version: p.options.Version, ScrapeToken: token,
		Prometheus: p.telemetry.prometheus(), OwnMetrics: p.telemetry.own(),
		Auth: p.people.auth, Console: page, Proxies: proxies, Live: p.live.hub, History: p.history, Owner: p.owner, Log: p.log,
		Hosts: api.NewHosts(p.settings.Console, strings.Split(p.settings.ConsoleNames, ","), named),
	})
	owner, err := private.Listen(p.socket())
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, owner, handlers.Owner(), nil) })
	group.Go(func() error {
		public, err := p.ports.listen(ctx, "console", p.settings.Console, "--console")
		if err != nil {
			return err
		}
		return serveHTTP(ctx, public, handlers.Public(), secure)
	})
	return group.Wait()
}

// socket is where the owner alone is answered.
func (p *plane) socket() string { return filepath.Join(p.settings.State, "run", "heddle.sock") }

// serverTLS reads the console's certificate, and says which names are in it;
// both are nil without one.
func serverTLS(cert, key string) (*tls.Config, func(host string) bool, error) {
	if cert == "" {
		return nil, nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, nil, fmt.Errorf("read the console's certificate: %w", err)
	}
	named := func(host string) bool { return pair.Leaf.VerifyHostname(host) == nil }
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, named, nil
}

// httpServer bounds what a client can hold: nobody keeps a connection by sending
// slowly, or by taking the answer slowly. What streams sets its own deadlines.
func httpServer(h http.Handler, secure *tls.Config) *http.Server {
	return &http.Server{
		Handler: h, TLSConfig: secure, MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
	}
}

// serveHTTP serves until ctx ends, then lets running requests finish for a
// second; in plaintext where secure is nil.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, secure *tls.Config) error {
	s := httpServer(h, secure)
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(grace) != nil {
			s.Close()
		}
	})
	defer stopped()
	var err error
	if secure != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return ctx.Err()
	}
	return err
}

// scrapeToken reads the token for an outside Prometheus, and makes it at first use.
func scrapeToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(data))) >= 32 {
		return strings.TrimSpace(string(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the scrape token: %w", err)
	}
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	token := hex.EncodeToString(b[:])
	if err := private.WriteFile(path, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("write the scrape token: %w", err)
	}
	return token, nil
}
