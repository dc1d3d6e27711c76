package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/heddle-mesh/heddle/backend/auth"
)

// Session is who is signed in, and for how long.
type Session struct {
	User struct {
		Name string    `json:"name"`
		Role auth.Role `json:"role" enum:"viewer,operator,admin,owner"`
	} `json:"user"`
	Capabilities []Capability `json:"capabilities" doc:"What the user may do"`
	// A token and the owner's socket have no session that could end.
	IdleExpires     *time.Time `json:"idleExpires,omitempty" doc:"When it ends if nothing is asked"`
	AbsoluteExpires *time.Time `json:"absoluteExpires,omitempty" doc:"When it ends in any case"`
	Version         string     `json:"version" doc:"Of the control plane"`
	Mesh            string     `json:"mesh" doc:"What the mesh is called: the clusterName of the settings"`
}

type sessionOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"The session, for browsers; empty when nothing changes"`
	Body      Session
}

// sessionOf tells of a session; cookie is a new one for it, or "".
func (h *Handlers) sessionOf(ctx context.Context, who auth.Session, cookie string) *sessionOutput {
	out := &sessionOutput{}
	if cookie != "" {
		out.SetCookie = auth.Cookie(cookie, peerOf(ctx).secure).String()
	}
	out.Body.User.Name, out.Body.User.Role = who.User, who.Role
	out.Body.Capabilities = who.Role.Capabilities()
	out.Body.Version, out.Body.Mesh = h.version, h.name
	if h.auth != nil {
		if e, ok := h.auth.Expiry(who.ID); ok {
			out.Body.IdleExpires, out.Body.AbsoluteExpires = &e.Idle, &e.Absolute
		}
	}
	return out
}

func (h *Handlers) session(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	who, _ := auth.From(ctx)
	return h.sessionOf(ctx, who, ""), nil
}

type signInInput struct {
	Body struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
}

func (h *Handlers) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	who, cookie, err := h.auth.SignIn(ctx, peerOf(ctx).Client, in.Body.Username, in.Body.Password)
	if errors.Is(err, auth.ErrCredentials) {
		return nil, newProblem(http.StatusUnauthorized, "credentials", "not signed in", err.Error())
	}
	if err != nil {
		return nil, problemOf(err)
	}
	// The browser forgets the session that it had, so nobody could end it any more.
	h.auth.SignOut(ctx)
	return h.sessionOf(ctx, who, cookie), nil
}

type signOutOutput struct {
	SetCookie string `header:"Set-Cookie"`
}

func (h *Handlers) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	h.auth.SignOut(ctx)
	return &signOutOutput{SetCookie: auth.Cookie("", peerOf(ctx).secure).String()}, nil
}

func (h *Handlers) renewSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	who, _ := auth.From(ctx)
	renewal, err := h.auth.Renew(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	if renewal == nil {
		return h.sessionOf(ctx, who, ""), nil
	}
	return h.sessionOf(ctx, who, renewal.Cookie), nil
}

type passwordInput struct {
	Body struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
}

// changePassword changes the password of who asks, whose sessions all end; the
// answer brings a new one.
func (h *Handlers) changePassword(ctx context.Context, in *passwordInput) (*signOutOutput, error) {
	_, cookie, err := h.auth.ChangePassword(ctx, peerOf(ctx).Client, in.Body.Old, in.Body.New)
	if errors.Is(err, auth.ErrCredentials) {
		return nil, newProblem(http.StatusUnprocessableEntity, "wrongPassword", "not changed", "the old password is wrong")
	}
	if err != nil {
		return nil, problemOf(err)
	}
	return &signOutOutput{SetCookie: auth.Cookie(cookie, peerOf(ctx).secure).String()}, nil
}
