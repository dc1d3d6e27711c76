package auth

import (
	"errors"
	"net/http"
	"strings"
)

// CookieName is that of the session's cookie.
const CookieName = "heddle_session"

// maxCookies is how many cookies of that name are looked at. Another port of
// this host can set more.
const maxCookies = 4

// ErrNotSignedIn reports that a request names neither session nor token.
var ErrNotSignedIn = errors.New("sign in first")

// Authenticate finds who asks: by the token in the Authorization header, else by
// the session's cookie. Nothing else is looked at, so that no secret stands in an
// address. When a new cookie is due, the renewal has it. The errors, but for
// those of the system, are ErrNotSignedIn or wrap it.
func (a *Auth) Authenticate(r *http.Request, address string) (Session, *Renewal, error) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		scheme, secret, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(secret, TokenPrefix) {
			return Session{}, nil, errors.Join(ErrNotSignedIn, errToken)
		}
		s, err := a.present(r.Context(), secret)
		if err != nil {
			return Session{}, nil, errors.Join(ErrNotSignedIn, err)
		}
		s.Address = address
		return s, nil, nil
	}
	var found Session
	var renewal *Renewal
	for i, cookie := range r.CookiesNamed(CookieName) {
		if i == maxCookies {
			break
		}
		s, renewed, err := a.resume(r.Context(), cookie.Value)
		switch {
		case errors.Is(err, errSeal):
		case err != nil:
			return Session{}, nil, err
		case found.ID != "" && found.ID != s.ID:
			// Somebody put a cookie of their own beside it.
			return Session{}, nil, ErrNotSignedIn
		default:
			found, renewal = s, renewed
		}
	}
	if found.ID == "" {
		return Session{}, nil, ErrNotSignedIn
	}
	found.Address = address
	return found, renewal, nil
}

// Cookie is the cookie of a session; with an empty value it takes one away.
// Secure says that the browser speaks TLS.
func Cookie(value string, secure bool) *http.Cookie {
	c := &http.Cookie{Name: CookieName, Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
