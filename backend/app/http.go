package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/api"
)

// serveAPI answers the owner on a unix socket and everybody else on TCP.
func (p *plane) serveAPI(ctx context.Context) error {
	token, err := scrapeToken(filepath.Join(p.settings.State, "scrape-token"))
	if err != nil {
		return err
	}
	handlers := api.New(api.Options{
		Mesh: p, Version: p.options.Version, ScrapeToken: token,
		Prometheus: p.telemetry.prometheus(), OwnMetrics: p.telemetry.own(),
	})
	owner, err := listenUnix(filepath.Join(p.settings.State, "run", "heddle.sock"))
	if err != nil {
		return err
	}
	public, err := net.Listen("tcp", p.settings.Console)
	if err != nil {
		owner.Close()
		return portTaken(err, "console", p.settings.Console, "--console")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, owner, handlers.Owner(), "", "") })
	group.Go(func() error {
		return serveHTTP(ctx, public, handlers.Public(), p.settings.TLSCert, p.settings.TLSKey)
	})
	return group.Wait()
}

// serveHTTP serves until ctx ends, then lets running requests finish for a second.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, cert, key string) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(grace) != nil {
			s.Close()
		}
	})
	defer stopped()
	var err error
	if cert != "" {
		err = s.ServeTLS(l, cert, key)
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return ctx.Err()
	}
	return err
}

// listenUnix listens on a path that only the owner may open, in place of a
// socket that an earlier process left.
func listenUnix(path string) (net.Listener, error) {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("another control plane runs on %s: stop it first, or choose another --state", filepath.Dir(filepath.Dir(path)))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// The mask closes the moment between making the socket and changing its mode.
	old := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, nil
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
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the scrape token: %w", err)
	}
	return token, nil
}

// portTaken names the flag that moves a listener away from a taken port.
func portTaken(err error, what, address, flag string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %s is in use by another program; stop that, or choose another address with %s", what, address, flag)
	}
	return fmt.Errorf("%s: listen on %s: %w", what, address, err)
}
