package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// TokenPrefix begins every token, so that people and scanners know one when they
// see it.
const TokenPrefix = "hdl_"

// Bounds of tokens.
const (
	maxTokens    = 100 // of one owner
	maxTokenLife = 366 * 24 * time.Hour
	maxTokenName = 64
	// noteUseAfter is how often at most the last use is written.
	noteUseAfter = 5 * time.Minute
)

// TokenInfo is a token without its secret.
type TokenInfo struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Role     Role       `json:"role" enum:"viewer,operator,admin"`
	Owner    string     `json:"owner"`
	Created  time.Time  `json:"created"`
	Expires  time.Time  `json:"expires"`
	LastUsed *time.Time `json:"lastUsed,omitempty"`
}

type tokenHash = [sha256.Size]byte

type token struct {
	TokenInfo
	noted time.Time // when the last use was written
	ended chan struct{}
}

// hashToken is what is kept of a token. It has 130 bits that nobody chose, so
// that it needs no slow hash.
func hashToken(secret string) tokenHash { return sha256.Sum256([]byte(secret)) }

func readTokens(ctx context.Context, db *sql.DB) (map[tokenHash]*token, error) {
	rows, err := db.QueryContext(ctx, "SELECT id, hash, name, role, owner, created, expires, last_used FROM tokens")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[tokenHash]*token{}
	for rows.Next() {
		t := &token{ended: make(chan struct{})}
		var hash []byte
		var created, expires int64
		var used sql.NullInt64
		if err := rows.Scan(&t.ID, &hash, &t.Name, &t.Role, &t.Owner, &created, &expires, &used); err != nil {
			return nil, err
		}
		if len(hash) != sha256.Size {
			return nil, fmt.Errorf("token %s has a hash of %d bytes", t.ID, len(hash))
		}
		t.Created, t.Expires = fromMillis(created), fromMillis(expires)
		if used.Valid {
			at := fromMillis(used.Int64)
			t.LastUsed = &at
		}
		out[tokenHash(hash)] = t
	}
	return out, rows.Err()
}

// Tokens lists tokens by owner and name: those of one owner, or all when owner
// is empty.
func (a *Auth) Tokens(owner string) []TokenInfo {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []TokenInfo{}
	for _, t := range a.tokens {
		if (owner == "" || t.Owner == owner) && a.now().Before(t.Expires) {
			out = append(out, t.TokenInfo)
		}
	}
	slices.SortFunc(out, func(x, y TokenInfo) int {
		return strings.Compare(x.Owner+"\x00"+x.Name+"\x00"+x.ID, y.Owner+"\x00"+y.Name+"\x00"+y.ID)
	})
	return out
}

// CreateToken makes a token of who asks, and gives its secret, which nobody can
// ask for again. It is never allowed more than its owner is at the time.
func (a *Auth) CreateToken(ctx context.Context, name string, role Role, life time.Duration) (TokenInfo, string, error) {
	who, ok := From(ctx)
	if !ok || who.Via == Token {
		return TokenInfo{}, "", &Forbidden{Needs: View, What: "making a token"}
	}
	info, secret, err := a.createToken(ctx, who, name, role, life)
	a.record(ctx, Entry{Action: "token.create", Target: info.ID, Detail: fmt.Sprintf("%q, role %s, for %s", name, role, life)}, err)
	return info, secret, err
}

func (a *Auth) createToken(ctx context.Context, who Session, name string, role Role, life time.Duration) (TokenInfo, string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "" || len(name) > maxTokenName || plain.Text(name) != name:
		return TokenInfo{}, "", invalid("name", fmt.Sprintf("must be a line of 1 to %d bytes", maxTokenName))
	case checkRole(role) != nil:
		return TokenInfo{}, "", checkRole(role)
	case life < time.Minute || life > maxTokenLife:
		return TokenInfo{}, "", invalid("expires", fmt.Sprintf("must be from 1m to %dh", int(maxTokenLife.Hours())))
	case least(role, who.Role) != role:
		return TokenInfo{}, "", &Forbidden{Needs: role.Capabilities()[len(role.Capabilities())-1], What: "a token with the role " + string(role)}
	}
	secret := TokenPrefix + rand.Text()
	now := a.now().UTC().Truncate(time.Millisecond)
	t := &token{
		TokenInfo: TokenInfo{ID: strings.ToLower(rand.Text()[:12]), Name: name, Role: role, Owner: who.User, Created: now, Expires: now.Add(life)},
		ended:     make(chan struct{}),
	}
	hash := hashToken(secret)
	a.people.Lock()
	defer a.people.Unlock()
	// The session may have ended since the request came in.
	if who.ID != "" {
		if _, on := a.Expiry(who.ID); !on {
			return TokenInfo{}, "", &Forbidden{Needs: View, What: "making a token"}
		}
	}
	if len(a.Tokens(who.User)) >= maxTokens {
		return TokenInfo{}, "", invalid("name", fmt.Sprintf("is one too many: there are %d tokens; revoke some", maxTokens))
	}
	err := a.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM tokens WHERE expires <= ?", millis(now)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO tokens (id, hash, name, role, owner, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)",
			t.ID, hash[:], t.Name, string(t.Role), t.Owner, millis(t.Created), millis(t.Expires))
		return err
	})
	if err != nil {
		return TokenInfo{}, "", err
	}
	a.mu.Lock()
	a.tokens[hash] = t
	a.mu.Unlock()
	return t.TokenInfo, secret, nil
}

// RevokeToken takes a token back at once. Others' tokens are an administrator's
// to revoke; to others they do not exist.
func (a *Auth) RevokeToken(ctx context.Context, id string) error {
	who, ok := From(ctx)
	if !ok || who.Via == Token {
		return &Forbidden{Needs: View, What: "revoking a token"}
	}
	err := a.revokeToken(ctx, who, id)
	a.record(ctx, Entry{Action: "token.revoke", Target: id}, err)
	return err
}

func (a *Auth) revokeToken(ctx context.Context, who Session, id string) error {
	a.people.Lock()
	defer a.people.Unlock()
	a.mu.Lock()
	var hash tokenHash
	var found *token
	for h, t := range a.tokens {
		if t.ID == id && (t.Owner == who.User || who.Role.Can(Admin)) {
			hash, found = h, t
		}
	}
	a.mu.Unlock()
	if found == nil {
		return fmt.Errorf("token %q: %w", id, ErrNotFound)
	}
	// It is kept first: a token that would be back after a restart is not revoked.
	err := a.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM tokens WHERE id = ?", id)
		return err
	})
	if err != nil && !database.IsNotWritable(err) {
		return err
	}
	a.mu.Lock()
	if a.tokens[hash] == found {
		delete(a.tokens, hash)
		close(found.ended)
	}
	a.mu.Unlock()
	return err
}

// errToken reports a token that there is not, or no more.
var errToken = fmt.Errorf("the token is not valid, or not any more")

// present finds who comes with a token.
func (a *Auth) present(ctx context.Context, secret string) (Session, error) {
	hash := hashToken(secret)
	now := a.now()
	a.mu.Lock()
	t, ok := a.tokens[hash]
	if !ok || !now.Before(t.Expires) {
		a.mu.Unlock()
		return Session{}, errToken
	}
	of := OwnerRole
	if t.Owner != OwnerName {
		of = a.roles[t.Owner] // none when disabled
	}
	role := least(t.Role, of)
	if role == "" {
		a.mu.Unlock()
		return Session{}, errToken
	}
	at := now.UTC().Truncate(time.Millisecond)
	t.LastUsed = &at
	note := now.Sub(t.noted) >= noteUseAfter
	if note {
		t.noted = now
	}
	s := Session{ID: t.ID, User: t.Owner, Role: role, Via: Token}
	a.mu.Unlock()
	if note {
		err := a.db.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE tokens SET last_used = ? WHERE id = ?", millis(at), s.ID)
			return err
		})
		if err != nil && ctx.Err() == nil && !database.IsNotWritable(err) {
			a.log.WarnContext(ctx, "the use of a token could not be kept", "token", s.ID, "error", err)
		}
	}
	return s, nil
}

// least is the lesser of two roles; "" when one of them is none.
func least(a, b Role) Role {
	all := append(Roles(), OwnerRole)
	i := min(slices.Index(all, a), slices.Index(all, b))
	if i < 0 {
		return ""
	}
	return all[i]
}
