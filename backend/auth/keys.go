package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/jwtauth/v5"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/heddle-mesh/heddle/backend/database"
)

const (
	// sealLife is how long a signed cookie is good; what it names may go on.
	sealLife = 10 * time.Minute
	// renewAfter is the age at which any request gets a new one.
	renewAfter = 5 * time.Minute
	// keyLife is how long a key signs. It verifies as long again.
	keyLife = 24 * time.Hour
	// longestSeal bounds what is looked at: ours have about 300 bytes.
	longestSeal = 1024

	issuer = "heddle"
)

// seal is what a signed cookie says: which session it names, and which of the
// cookies of that session it is. It says nothing about what the session may do.
type seal struct {
	session string
	id      string
	issued  time.Time
	expired bool
}

// key is one key with the library's object that signs and verifies with it.
type key struct {
	id      string
	created time.Time
	jwt     *jwtauth.JWTAuth
}

// keyRing signs with one key, and verifies with that and the one before it.
type keyRing struct {
	db  *database.DB
	now func() time.Time

	mu       sync.Mutex
	current  *key
	previous *key // nil when there was none
}

// openKeys reads the keys, and makes the first one. In a database that cannot be
// written it lasts as long as the process.
func openKeys(ctx context.Context, db *database.DB, now func() time.Time, log *slog.Logger) (*keyRing, error) {
	r := &keyRing{db: db, now: now}
	rows, err := db.Read().QueryContext(ctx, "SELECT kid, seed, created FROM session_keys ORDER BY created DESC, kid LIMIT 2")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []*key
	for rows.Next() {
		var id string
		var seed []byte
		var created int64
		if err := rows.Scan(&id, &seed, &created); err != nil {
			return nil, err
		}
		k, err := r.newKey(id, seed, fromMillis(created))
		if err != nil {
			return nil, err
		}
		found = append(found, k)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if len(found) > 0 {
		r.current = found[0]
	}
	if len(found) > 1 {
		r.previous = found[1]
	}
	if r.current == nil {
		if err := r.rotate(ctx); err != nil {
			log.WarnContext(ctx, "the key of sessions could not be kept; they end when heddle stops", "error", err)
		}
	}
	return r, nil
}

func (r *keyRing) newKey(id string, seed []byte, created time.Time) (*key, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("key %s of sessions has %d bytes", id, len(seed))
	}
	private, err := jwk.FromRaw(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, err
	}
	if err := private.Set(jwk.KeyIDKey, id); err != nil {
		return nil, err
	}
	public, err := private.PublicKey()
	if err != nil {
		return nil, err
	}
	return &key{id, created, jwtauth.New(jwa.EdDSA.String(), private, public,
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.IssuedAtKey),
		jwt.WithRequiredClaim(jwt.JwtIDKey), jwt.WithRequiredClaim(sessionClaim), jwt.WithClock(jwt.ClockFunc(r.now)))}, nil
}

const sessionClaim = "sid"

// rotate makes a new key. It is used also when it could not be kept.
func (r *keyRing) rotate(ctx context.Context) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return err
	}
	made, err := r.newKey(rand.Text()[:12], seed, r.now())
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.previous, r.current = r.current, made
	r.mu.Unlock()
	return r.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO session_keys (kid, seed, created) VALUES (?, ?, ?)", made.id, seed, millis(made.created))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM session_keys WHERE kid NOT IN (SELECT kid FROM session_keys ORDER BY created DESC, kid LIMIT 2)")
		return err
	})
}

// rotateOld makes a new key when the current one has signed for long enough.
func (r *keyRing) rotateOld(ctx context.Context) error {
	r.mu.Lock()
	old := r.now().Sub(r.current.created) >= keyLife
	r.mu.Unlock()
	if !old {
		return nil
	}
	return r.rotate(ctx)
}

// sign makes a cookie for a session, under an id.
func (r *keyRing) sign(session, id string) (string, error) {
	r.mu.Lock()
	k := r.current
	r.mu.Unlock()
	now := r.now()
	claims := map[string]any{jwt.IssuerKey: issuer, jwt.AudienceKey: issuer, jwt.JwtIDKey: id, sessionClaim: session}
	jwtauth.SetIssuedAt(claims, now)
	jwtauth.SetExpiry(claims, now.Add(sealLife))
	_, text, err := k.jwt.Encode(claims)
	return text, err
}

// errSeal reports a cookie that is none of ours.
var errSeal = errors.New("the session cookie is not valid")

// open reads a cookie. One whose time is over is read too, and says so; all else
// that is not as it must be is errSeal.
func (r *keyRing) open(text string) (seal, error) {
	k, err := r.keyOf(text)
	if err != nil {
		return seal{}, err
	}
	t, err := jwtauth.VerifyToken(k.jwt, text)
	expired := errors.Is(err, jwtauth.ErrExpired)
	if t == nil || err != nil && !expired {
		return seal{}, errSeal
	}
	session, ok := t.PrivateClaims()[sessionClaim].(string)
	if !ok || session == "" || t.JwtID() == "" || t.Issuer() != issuer {
		return seal{}, errSeal
	}
	return seal{session: session, id: t.JwtID(), issued: t.IssuedAt(), expired: expired}, nil
}

// keyOf is the key that a cookie names. What the cookie says of the algorithm
// must be the one that we use; the key is never taken from the cookie.
func (r *keyRing) keyOf(text string) (*key, error) {
	if len(text) > longestSeal || strings.Count(text, ".") != 2 {
		return nil, errSeal
	}
	message, err := jws.Parse([]byte(text), jws.WithCompact())
	if err != nil || len(message.Signatures()) != 1 {
		return nil, errSeal
	}
	header := message.Signatures()[0].ProtectedHeaders()
	if header.Algorithm() != jwa.EdDSA {
		return nil, errSeal
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range []*key{r.current, r.previous} {
		if k != nil && k.id == header.KeyID() {
			return k, nil
		}
	}
	return nil, errSeal
}
