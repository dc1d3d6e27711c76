package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/backend/settings"
)

func signsIn(t *testing.T, s settings.Settings, name, password string) error {
	t.Helper()
	p, err := openPeople(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.database.Close()
	_, _, err = p.auth.SignIn(t.Context(), auth.Client{Address: "127.0.0.1", Local: true}, name, password)
	return err
}

func TestFirstAdministrator(t *testing.T) {
	for _, given := range []string{"", "from outside"} {
		t.Setenv(passwordVariable, given)
		s := settings.Default()
		s.State = t.TempDir()
		made, err := MakeFirstAdministrator(t.Context(), s, slog.New(slog.DiscardHandler))
		if err != nil || made == nil || (made.Password == "") != (given != "") {
			t.Fatalf("%+v, %v", made, err)
		}
		if err := signsIn(t, s, made.Name, made.Password+given); err != nil {
			t.Errorf("with %q%q: %v", made.Password, given, err)
		}
		t.Setenv(passwordVariable, "another one")
		if again, err := MakeFirstAdministrator(t.Context(), s, slog.New(slog.DiscardHandler)); again != nil || err != nil {
			t.Errorf("the second time: %+v, %v", again, err)
		}
		if err := signsIn(t, s, made.Name, "another one"); err == nil {
			t.Error("the environment changed the password of a user that there was")
		}
	}
}

// A database that cannot be written is told, and keeps nothing from running.
func TestFirstAdministratorNeedsADatabase(t *testing.T) {
	s := settings.Default()
	s.State = t.TempDir()
	path := filepath.Join(s.State, "heddle.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := MakeFirstAdministrator(t.Context(), s, slog.New(slog.DiscardHandler)); !database.IsNotWritable(err) {
		t.Error(err)
	}
	if err := signsIn(t, s, "admin", ""); !errors.Is(err, auth.ErrCredentials) {
		t.Error(err)
	}
}

func TestWelcome(t *testing.T) {
	var said strings.Builder
	s := settings.Default()
	s.State = t.TempDir()
	log := slog.New(slog.NewTextHandler(&said, nil))
	opened, err := openPeople(t.Context(), s, log)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.database.Close()
	p := &plane{people: opened, log: log}
	t.Setenv(passwordVariable, "")
	if err := p.welcome(t.Context()); err != nil || !strings.Contains(said.String(), "heddle user add") {
		t.Errorf("%v: %s", err, said.String())
	}
	said.Reset()
	t.Setenv(passwordVariable, "very secret")
	if err := p.welcome(t.Context()); err != nil || !strings.Contains(said.String(), "made the first administrator") || strings.Contains(said.String(), "very secret") {
		t.Errorf("%v: %s", err, said.String())
	}
	said.Reset()
	if err := p.welcome(t.Context()); err != nil || said.Len() > 0 {
		t.Errorf("with a user: %v: %s", err, said.String())
	}
}

// Nobody holds a connection by sending slowly.
func TestSlowClientsAreCutOff(t *testing.T) {
	s := httpServer(http.NotFoundHandler(), nil)
	for what, limit := range map[string]time.Duration{"headers": s.ReadHeaderTimeout, "a body": s.ReadTimeout, "an answer": s.WriteTimeout, "silence": s.IdleTimeout} {
		if limit <= 0 || limit > 2*time.Minute {
			t.Errorf("%s may take %v", what, limit)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 1<<17 {
		t.Errorf("headers may have %d bytes", s.MaxHeaderBytes)
	}
	s.ReadHeaderTimeout = 50 * time.Millisecond // else as it is
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	c, err := new(net.Dialer).DialContext(context.WithoutCancel(t.Context()), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: local")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	for err == nil {
		_, err = c.Read(buf)
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Error("a client that never ends its headers is kept")
	}
}

// The settings bound the sessions of people who sign in.
func TestSessionsLastAsSet(t *testing.T) {
	s := settings.Default()
	s.State = t.TempDir()
	s.Session.Idle, s.Session.Absolute = 17*time.Minute, 3*time.Hour
	p, err := openPeople(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.database.Close()
	if _, err := p.auth.AddUser(t.Context(), "anna", auth.Viewer, "correct horse"); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	session, _, err := p.auth.SignIn(t.Context(), auth.Client{Address: "127.0.0.1", Local: true}, "anna", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	within := func(got time.Time, d time.Duration) bool {
		return !got.Before(before.Add(d)) && !got.After(after.Add(d))
	}
	if e, ok := p.auth.Expiry(session.ID); !ok || !within(e.Idle, s.Session.Idle) || !within(e.Absolute, s.Session.Absolute) {
		t.Errorf("it ends at %v and %v, begun at %v", e.Idle, e.Absolute, before)
	}
}
