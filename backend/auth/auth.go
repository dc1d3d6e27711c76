// Package auth knows who may do what: local users and their passwords, sessions
// of the console, tokens of programs, what a role is allowed, and the log of what
// was done. It knows nothing of routes.
package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
)

// Capability is what a caller must be allowed to do.
type Capability string

// The capabilities. Public, Scrape and SignIn belong to no role: what needs them
// is answered without a session.
const (
	Public      Capability = "open"        // anybody
	Scrape      Capability = "scrape"      // an outside Prometheus with the scrape token
	SignIn      Capability = "signIn"      // anybody, to become somebody
	View        Capability = "view"        // read, preview, check
	EditTraffic Capability = "editTraffic" // write the kinds that only move traffic, and undo that
	Admin       Capability = "admin"       // write every other kind of the mesh; users, others' tokens, audit log, whole dumps
	Owner       Capability = "owner"       // run programs on the machine: only through the owner's socket
)

// Role is a set of capabilities.
type Role string

// The roles, each allowed what those before it are. OwnerRole is that of whoever
// can open the owner's socket; no user and no token has it.
const (
	Viewer    Role = "viewer"
	Operator  Role = "operator"
	AdminRole Role = "admin"
	OwnerRole Role = "owner"
)

// Roles are those that users and tokens can have, the least allowed first.
func Roles() []Role { return []Role{Viewer, Operator, AdminRole} }

// Capabilities are what a role is allowed; nothing for a role that there is not.
func (r Role) Capabilities() []Capability {
	switch r {
	case Viewer:
		return []Capability{View}
	case Operator:
		return []Capability{View, EditTraffic}
	case AdminRole:
		return []Capability{View, EditTraffic, Admin}
	case OwnerRole:
		return []Capability{View, EditTraffic, Admin, Owner}
	}
	return nil
}

// Can reports whether a role is allowed something that belongs to roles.
func (r Role) Can(c Capability) bool { return slices.Contains(r.Capabilities(), c) }

// Via is the way somebody comes in by.
type Via string

// The ways. By the last two nobody asks; changes that were found come by them.
const (
	Console Via = "console" // a browser with a session
	Token   Via = "token"   // a program with a token
	CLI     Via = "cli"     // the command line, over the owner's socket
	Up      Via = "up"      // manifests brought by heddle up
	File    Via = "file"    // an edit in the folder of the configuration
)

// OwnerName stands for whoever can open the owner's socket. No user has it.
const OwnerName = "owner"

// Session is who asks. It comes from the database and never from what the
// request claims.
type Session struct {
	ID      string // of the session or token; "" for the owner
	User    string
	Role    Role
	Via     Via
	Address string // where the request comes from; "" on the owner's socket
}

type sessionKey struct{}

// With is a context in which s asks.
func With(ctx context.Context, s Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// From is who asks; false when nobody signed in.
func From(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// Forbidden reports that who asks is not allowed to.
type Forbidden struct {
	Needs Capability
	What  string // that needs it; "" for the request itself
}

func (e *Forbidden) Error() string {
	what := e.What
	if what == "" {
		what = "this"
	}
	switch e.Needs {
	case Owner:
		return what + " is only for the owner of the mesh: use heddle on the machine that it runs on"
	case EditTraffic, Admin:
		return fmt.Sprintf("%s needs the role %s; ask an administrator for it", what, roleFor(e.Needs))
	}
	return what + " needs a sign-in"
}

// roleFor is the least role that is allowed something.
func roleFor(c Capability) Role {
	for _, r := range Roles() {
		if r.Can(c) {
			return r
		}
	}
	return OwnerRole
}

// Require is nil when who asks is allowed something, and otherwise a *Forbidden.
// What names for people what it is about.
func Require(ctx context.Context, c Capability, what string) error {
	if s, ok := From(ctx); ok && s.Role.Can(c) {
		return nil
	}
	return &Forbidden{Needs: c, What: what}
}

// ToWrite is what writing an object of a kind needs: the one table of kinds. Only
// kinds that configure the mesh are written by people who sign in; all others
// run programs on the machine or hold their secrets.
func ToWrite(kind mesh.Kind) Capability {
	switch kind {
	case mesh.KindVirtualService, mesh.KindDestinationRule, mesh.KindServiceEntry:
		return EditTraffic
	}
	switch kind.Group {
	case mesh.GroupNetworking, mesh.GroupSecurity, mesh.GroupTelemetry, mesh.GroupExtensions, mesh.GroupGatewayAPI:
		return Admin
	}
	return Owner
}

// MayWrite is nil when who asks may write all these objects, and otherwise a
// *Forbidden that names the first that it may not.
func MayWrite(ctx context.Context, refs ...mesh.Ref) error {
	for _, ref := range refs {
		if err := Require(ctx, ToWrite(ref.Kind), "writing "+ref.String()); err != nil {
			return err
		}
	}
	return nil
}
