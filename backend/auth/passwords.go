package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// Bounds of passwords. The least is what NIST and OWASP ask for; the most keeps
// hashing from being made work.
const (
	minPassword = 8
	maxPassword = 256 // bytes
)

// cost of trying one password: about 100 ms and 32 MiB, above what OWASP asks
// for (19 MiB, 2 passes).
var cost = argon2id.Params{Memory: 32 << 10, Iterations: 3, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// atOnce is how many passwords are tried at a time, so that trying takes neither
// all processors nor all memory.
const atOnce = 2

// passwords hashes and tries passwords.
type passwords struct {
	cost  *argon2id.Params
	turns chan struct{}
	dummy string // what is tried for users that there are not
}

func newPasswords(params *argon2id.Params) (*passwords, error) {
	if params == nil {
		p := cost
		params = &p
	}
	dummy, err := argon2id.CreateHash(rand.Text(), params)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return &passwords{cost: params, turns: make(chan struct{}, atOnce), dummy: dummy}, nil
}

// hash is what is kept of a password.
func (p *passwords) hash(ctx context.Context, password string) (hash string, err error) {
	if err := p.inTurn(ctx, func() { hash, err = argon2id.CreateHash(password, p.cost) }); err != nil {
		return "", err
	}
	return hash, err
}

// matches reports whether a password is the one that hash was made of. An empty
// hash takes as long as any, and matches nothing.
func (p *passwords) matches(ctx context.Context, password, hash string) (ok bool, err error) {
	tried := hash
	if tried == "" {
		tried = p.dummy
	}
	if err := p.inTurn(ctx, func() { ok, err = argon2id.ComparePasswordAndHash(password, tried) }); err != nil {
		return false, err
	}
	return ok && hash != "", err
}

func (p *passwords) inTurn(ctx context.Context, f func()) error {
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
		f()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// checkPassword says what is wrong with a password that somebody chose.
func checkPassword(password, user string) error {
	switch {
	case !utf8.ValidString(password):
		return invalid("password", "is no text")
	case utf8.RuneCountInString(password) < minPassword:
		return invalid("password", fmt.Sprintf("is shorter than %d characters", minPassword))
	case len(password) > maxPassword:
		return invalid("password", fmt.Sprintf("is longer than %d bytes", maxPassword))
	case strings.EqualFold(password, user):
		return invalid("password", "is the name of the user")
	}
	return nil
}

// generatePassword makes a password of more than 100 bits that can be read out.
func generatePassword() string {
	text := strings.ToLower(rand.Text())[:24]
	return text[:6] + "-" + text[6:12] + "-" + text[12:18] + "-" + text[18:]
}

// Invalid reports what is wrong with what somebody asked for.
type Invalid struct {
	Field  string // name, role, password, expires
	Reason string // follows the field: "is too long"
}

func (e *Invalid) Error() string { return e.Field + " " + e.Reason }

func invalid(field, reason string) error { return &Invalid{field, reason} }

// What else can be wrong with a request.
var (
	ErrNotFound = errors.New("there is none of that name")
	ErrExists   = errors.New("there is one of that name already")
	// ErrLastAdministrator keeps a mesh from being left without one.
	ErrLastAdministrator = errors.New("this is the last administrator: make another one first")
)
