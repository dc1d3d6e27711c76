package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Cookies that somebody made without our key, in every way that has worked
// somewhere.
func TestForgedCookies(t *testing.T) {
	b := newBench(t)
	s, cookie := b.in("the-admin")
	var seed []byte
	ring := b.keyRing()
	if err := b.db.Read().QueryRow("SELECT seed FROM session_keys WHERE kid = ?", ring.current.id).Scan(&seed); err != nil {
		t.Fatal(err)
	}
	ours := ed25519.NewKeyFromSeed(seed)
	public := ours.Public().(ed25519.PublicKey)
	_, theirs, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := b.now
	claims := func(change map[string]any) []byte {
		c := map[string]any{"iss": "heddle", "aud": []string{"heddle"}, "sid": s.ID, "jti": "x", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
		for k, v := range change {
			if v == nil {
				delete(c, k)
			} else {
				c[k] = v
			}
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	sign := func(payload []byte, alg jwa.SignatureAlgorithm, key any, headers map[string]any) string {
		h := jws.NewHeaders()
		for k, v := range headers {
			if err := h.Set(k, v); err != nil {
				t.Fatal(err)
			}
		}
		text, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(h)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	kid := map[string]any{"kid": ring.current.id}
	theirJWK, err := jwk.FromRaw(theirs.Public())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(cookie, ".")
	unsigned := encoded(map[string]string{"alg": "none", "kid": ring.current.id}) + "." + base64.RawURLEncoding.EncodeToString(claims(nil)) + "."
	forged := map[string]string{
		"no algorithm":                 unsigned,
		"no algorithm, a signature":    unsigned + parts[2],
		"none in capitals":             encoded(map[string]string{"alg": "NONE", "kid": ring.current.id}) + "." + parts[1] + ".",
		"HMAC with our public key":     sign(claims(nil), jwa.HS256, []byte(public), kid),
		"HMAC with its base64":         sign(claims(nil), jwa.HS256, []byte(base64.StdEncoding.EncodeToString(public)), kid),
		"HMAC with nothing":            sign(claims(nil), jwa.HS256, []byte{0}, kid),
		"another key under our id":     sign(claims(nil), jwa.EdDSA, theirs, kid),
		"another key that it brings":   sign(claims(nil), jwa.EdDSA, theirs, map[string]any{"kid": ring.current.id, "jwk": theirJWK}),
		"another key at an address":    sign(claims(nil), jwa.EdDSA, theirs, map[string]any{"kid": ring.current.id, "jku": "https://example.com/keys"}),
		"our key under another id":     sign(claims(nil), jwa.EdDSA, ours, map[string]any{"kid": "other"}),
		"our key under no id":          sign(claims(nil), jwa.EdDSA, ours, nil),
		"other claims":                 parts[0] + "." + base64.RawURLEncoding.EncodeToString(claims(map[string]any{"exp": now.Add(time.Hour).Unix()})) + "." + parts[2],
		"another header":               encoded(map[string]string{"alg": "EdDSA", "kid": ring.current.id, "typ": "x"}) + "." + parts[1] + "." + parts[2],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"two parts":                    parts[0] + "." + parts[1],
		"four parts":                   cookie + ".x",
		"empty":                        "",
		"dots":                         "..",
		"long":                         cookie + strings.Repeat("A", longestSeal),
		"ours for somebody else":       sign(claims(map[string]any{"aud": "other"}), jwa.EdDSA, ours, kid),
		"ours from somebody else":      sign(claims(map[string]any{"iss": "other"}), jwa.EdDSA, ours, kid),
		"ours without an end":          sign(claims(map[string]any{"exp": nil}), jwa.EdDSA, ours, kid),
		"ours without a beginning":     sign(claims(map[string]any{"iat": nil}), jwa.EdDSA, ours, kid),
		"ours from the future":         sign(claims(map[string]any{"iat": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()}), jwa.EdDSA, ours, kid),
		"ours without a session":       sign(claims(map[string]any{"sid": nil}), jwa.EdDSA, ours, kid),
		"ours with a session of types": sign(claims(map[string]any{"sid": []string{s.ID}}), jwa.EdDSA, ours, kid),
		"ours of no session":           sign(claims(map[string]any{"sid": "x"}), jwa.EdDSA, ours, kid),
		"ours that is over":            sign(claims(map[string]any{"exp": now.Add(-time.Minute).Unix(), "iat": now.Add(-time.Hour).Unix()}), jwa.EdDSA, ours, kid),
		"a role among the claims":      sign(claims(map[string]any{"sid": "x", "role": "admin", "sub": "the-admin"}), jwa.EdDSA, ours, kid),
	}
	// Not as a cookie, which has no quotes: as the library would take it.
	if _, err := ring.open(`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`); err == nil {
		t.Error("a signature in JSON is taken")
	}
	for name, text := range forged {
		if got, _, err := b.comes(text); !errors.Is(err, ErrNotSignedIn) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// The bench itself is right: signed as we do, it is taken.
	if got, _, err := b.comes(sign(claims(nil), jwa.EdDSA, ours, kid)); err != nil || got.ID != s.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _, err := b.comes(cookie); err != nil || got.ID != s.ID {
		t.Errorf("%+v, %v", got, err)
	}
}

// What a cookie says is which session it is of, and nothing of what that may do.
func TestCookiesSayNothingOfRoles(t *testing.T) {
	b := newBench(t)
	_, cookie := b.in("the-admin")
	parsed, err := jwt.ParseInsecure([]byte(cookie))
	if err != nil {
		t.Fatal(err)
	}
	claims, err := parsed.AsMap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range claims {
		switch name {
		case "iss", "aud", "sid", "jti", "iat", "exp":
		default:
			t.Errorf("a cookie says %s", name)
		}
	}
	if life := parsed.Expiration().Sub(parsed.IssuedAt()); life != 10*time.Minute {
		t.Errorf("it lives %v", life)
	}
	message, err := jws.Parse([]byte(cookie))
	if err != nil {
		t.Fatal(err)
	}
	if h := message.Signatures()[0].ProtectedHeaders(); h.Algorithm() != jwa.EdDSA || h.KeyID() != b.keyRing().current.id {
		t.Errorf("%s by key %q", h.Algorithm(), h.KeyID())
	}
}

func TestKeysRotate(t *testing.T) {
	b := newBench(t)
	_, first := b.in("the-viewer")
	b.wait(time.Second)
	if err := b.keyRing().rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, second := b.in("the-viewer")
	for i, cookie := range []string{first, second} {
		if _, _, err := b.comes(cookie); err != nil {
			t.Errorf("cookie %d: %v", i+1, err)
		}
	}
	b.restart()
	if _, _, err := b.comes(first); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	b.wait(time.Second)
	if err := b.keyRing().rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.comes(first); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("the key before the last is still good: %v", err)
	}
	if _, _, err := b.comes(second); err != nil {
		t.Error(err)
	}
	before := b.keyRing().current.id
	b.sweep(t.Context())
	if b.keyRing().current.id != before {
		t.Error("a young key was renewed")
	}
	b.wait(keyLife)
	b.sweep(t.Context())
	if b.keyRing().current.id == before || b.keyRing().previous.id != before {
		t.Error("an old key was not renewed")
	}
	var kept int
	if err := b.db.Read().QueryRow("SELECT count(*) FROM session_keys").Scan(&kept); err != nil || kept != 2 {
		t.Errorf("%d keys are kept, %v", kept, err)
	}
}
