package auth

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// brings asks with a header Authorization.
func (b *bench) brings(headers ...string) (Session, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	s, _, err := b.Authenticate(r, "192.0.2.7")
	return s, err
}

func (b *bench) token(owner Session, role Role) (TokenInfo, string) {
	b.t.Helper()
	info, secret, err := b.CreateToken(With(b.t.Context(), owner), "test", role, time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	return info, secret
}

func TestTokens(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-operator")
	info, secret := b.token(s, Operator)
	if !strings.HasPrefix(secret, "hdl_") || len(secret) < 30 {
		t.Errorf("token %q", secret)
	}
	for _, how := range []string{"Bearer " + secret, "bearer " + secret} {
		if got, err := b.brings(how); err != nil || got.User != "the-operator" || got.Role != Operator || got.Via != Token || got.ID != info.ID {
			t.Errorf("%.10s: %+v, %v", how, got, err)
		}
	}
	for _, how := range []string{"", secret, "Basic " + secret, "Bearer", "Bearer ", "Bearer hdl_", "Bearer " + secret + "x", "Bearer " + secret[:20], "Bearer  " + secret, "Bearer " + strings.ToLower(secret)} {
		if _, err := b.brings(how); !errors.Is(err, ErrNotSignedIn) {
			t.Errorf("%q: %v", how, err)
		}
	}
	if _, err := b.brings("Bearer "+secret, "Bearer "+secret); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("two headers: %v", err)
	}
	b.restart()
	if _, err := b.brings("Bearer " + secret); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if list := b.Tokens("the-operator"); len(list) != 1 || list[0].LastUsed == nil {
		t.Errorf("%+v", list)
	}
	b.wait(time.Hour)
	if _, err := b.brings("Bearer " + secret); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("after its time: %v", err)
	}
	if list := b.Tokens(""); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	// The file knows the token's hash alone.
	for _, suffix := range []string{"", "-wal"} {
		if text, err := os.ReadFile(b.path + suffix); err != nil || bytes.Contains(text, []byte(secret[4:])) {
			t.Errorf("the token stands in the file, or %v", err)
		}
	}
}

func TestTokensAreAllowedNoMoreThanTheirOwner(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-operator")
	var no *Forbidden
	if _, _, err := b.CreateToken(With(t.Context(), s), "t", AdminRole, time.Hour); !errors.As(err, &no) || no.Needs != Admin {
		t.Errorf("an operator made a token of an administrator: %v", err)
	}
	_, secret := b.token(s, Operator)
	over := b.Ended(b.Tokens("")[0].ID)
	viewer, disabled, enabled := Viewer, true, false
	if _, err := b.ChangeUser(t.Context(), "the-operator", UserChange{Role: &viewer}); err != nil {
		t.Fatal(err)
	}
	if got, err := b.brings("Bearer " + secret); err != nil || got.Role != Viewer {
		t.Errorf("of a viewer: %+v, %v", got, err)
	}
	if !ended(over) {
		t.Error("sockets of the token are not told that it may do less")
	}
	if _, err := b.ChangeUser(t.Context(), "the-operator", UserChange{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.brings("Bearer " + secret); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("of a disabled user: %v", err)
	}
	if _, err := b.ChangeUser(t.Context(), "the-operator", UserChange{Disabled: &enabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.brings("Bearer " + secret); err != nil {
		t.Errorf("enabled again: %v", err)
	}
	if err := b.RemoveUser(t.Context(), "the-operator"); err != nil {
		t.Fatal(err)
	}
	// Nor does it come back with another user of that name.
	if _, err := b.AddUser(t.Context(), "the-operator", AdminRole, password); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if _, err := b.brings("Bearer " + secret); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("of a user that is gone: %v", err)
	}
}

func TestTokensAreRevokedAtOnce(t *testing.T) {
	b := newBench(t)
	operator, _ := b.in("the-operator")
	viewer, _ := b.in("the-viewer")
	admin, _ := b.in("the-admin")
	info, secret := b.token(operator, Viewer)
	other, _ := b.token(operator, Viewer)
	over := b.Ended(info.ID)
	if err := b.RevokeToken(With(t.Context(), viewer), info.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("by a stranger: %v", err)
	}
	held, err := b.brings("Bearer " + secret)
	if err != nil {
		t.Fatal(err)
	}
	var no *Forbidden
	if err := b.RevokeToken(With(t.Context(), held), info.ID); !errors.As(err, &no) {
		t.Errorf("by a token: %v", err)
	}
	if _, _, err := b.CreateToken(With(t.Context(), held), "t", Viewer, time.Hour); !errors.As(err, &no) {
		t.Errorf("a token made a token: %v", err)
	}
	if err := b.RevokeToken(With(t.Context(), operator), info.ID); err != nil || !ended(over) {
		t.Errorf("%v, told %v", err, ended(over))
	}
	if err := b.RevokeToken(With(t.Context(), admin), other.ID); err != nil {
		t.Errorf("by an administrator: %v", err)
	}
	if err := b.RevokeToken(With(t.Context(), admin), other.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	b.restart()
	if _, err := b.brings("Bearer " + secret); !errors.Is(err, ErrNotSignedIn) {
		t.Error(err)
	}
}

func TestTokensAreChecked(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-admin")
	for _, tt := range []struct {
		name  string
		role  Role
		life  time.Duration
		field string
	}{
		{"", Viewer, time.Hour, "name"},
		{"two\nlines", Viewer, time.Hour, "name"},
		{strings.Repeat("x", 65), Viewer, time.Hour, "name"},
		{"t", OwnerRole, time.Hour, "role"},
		{"t", Viewer, 0, "expires"},
		{"t", Viewer, -time.Hour, "expires"},
		{"t", Viewer, 10000 * time.Hour, "expires"},
	} {
		var bad *Invalid
		if _, _, err := b.CreateToken(With(t.Context(), s), tt.name, tt.role, tt.life); !errors.As(err, &bad) || bad.Field != tt.field {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if _, _, err := b.CreateToken(context.Background(), "t", Viewer, time.Hour); err == nil {
		t.Error("nobody made a token")
	}
	b.End(t.Context(), s.ID)
	if _, _, err := b.CreateToken(With(t.Context(), s), "t", Viewer, time.Hour); err == nil {
		t.Error("a session that ended made a token")
	}
	owner := With(t.Context(), Session{User: OwnerName, Role: OwnerRole, Via: CLI})
	if _, secret, err := b.CreateToken(owner, "t", AdminRole, time.Hour); err != nil {
		t.Error(err)
	} else if got, err := b.brings("Bearer " + secret); err != nil || got.Role != AdminRole {
		t.Errorf("the owner's token: %+v, %v", got, err)
	}
}
