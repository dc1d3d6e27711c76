package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/gzhttp"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/backend/queue"
)

// Capability is what a caller must be allowed to do. Roles are sets of these.
type Capability = auth.Capability

// What routes need.
const (
	Open        = auth.Public // anybody
	Scrape      = auth.Scrape // an outside Prometheus with the scrape token
	SignIn      = auth.SignIn // anybody, to become somebody
	View        = auth.View
	EditTraffic = auth.EditTraffic
	Admin       = auth.Admin
	OwnerOnly   = auth.Owner
)

// Bounds of request bodies: a manifest of many objects fits; before a sign-in
// there is no need for more than a name and a password.
const (
	maxBody       = 4 << 20
	maxSignInBody = 16 << 10
)

// public is what stands before the whole engine on a TCP port: what a request is
// asked whoever it comes from.
func (h *Handlers) public(engine http.Handler) http.Handler {
	zipped := gzhttpWrapper(engine)
	return h.survive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if !h.hosts.allow(r) {
			sendProblem(w, newProblem(http.StatusMisdirectedRequest, "unknownHost", "this server does not go by that name",
				"ask for localhost, or for the address it listens on; to have it answer to another name, set consoleNames (HEDDLE_CONSOLENAMES)"))
			return
		}
		p := h.through.peer(r)
		if err := sameOrigin(r, p.origin); err != nil {
			sendProblem(w, newProblem(http.StatusForbidden, "crossOrigin", "the request comes from another site", err.Error()))
			return
		}
		r = r.WithContext(withPeer(r.Context(), p))
		if websocket.IsWebSocketUpgrade(r) {
			engine.ServeHTTP(w, r)
			return
		}
		zipped.ServeHTTP(w, r)
	}))
}

func withPeer(ctx context.Context, p peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// gzhttpWrapper compresses what a browser takes compressed.
func gzhttpWrapper(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1 << 10))
	if err != nil { // the options are constant
		panic(err)
	}
	return wrap(next)
}

// sameOrigin refuses what the page of another site makes a browser send. Another
// port of this host is another site: programs of the mesh answer there. Who is no
// browser sends neither Origin nor Sec-Fetch-Site.
func sameOrigin(r *http.Request, own string) error {
	upgrade := r.Header.Get("Upgrade") != ""
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		if !upgrade {
			return nil
		}
	}
	// The library allows all of GET, so that an upgrade is shown to it as what it is;
	// and it compares with the host that was asked for, which a proxy may have changed.
	shown := r.WithContext(r.Context())
	_, shown.Host, _ = strings.Cut(own, "://")
	if upgrade {
		shown.Method = http.MethodPost
	}
	if err := http.NewCrossOriginProtection().Check(shown); err != nil {
		return err
	}
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) == 0 && upgrade && r.Header.Get("Cookie") != "":
		return errors.New("a browser that opens a socket says from which page; Origin is missing")
	case len(origins) > 1:
		return errors.New("there are several Origins")
	case len(origins) == 1 && !strings.EqualFold(origins[0], own):
		return fmt.Errorf("the header Origin must be %s", own)
	}
	return nil
}

// survive answers 500 for a handler that panics, and logs where, but never the
// request: its headers hold secrets.
func (h *Handlers) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				h.log.ErrorContext(r.Context(), "a request was not answered: the program made a mistake",
					"method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				sendProblem(w, newProblem(http.StatusInternalServerError, "internal", "internal error", "the log of the control plane says more"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// admit lets through, of everything that the engine serves, what its line in the
// table of routes allows to who asks. It comes before every handler; a route
// without a line is open to nobody.
func (h *Handlers) admit(c *gin.Context) {
	path := c.FullPath()
	if path == "" {
		return // no route: what answers then gives nothing away
	}
	needs, ok := h.needs[c.Request.Method+" "+path]
	if !ok {
		h.log.ErrorContext(c.Request.Context(), "a route is served that is not in the table", "method", c.Request.Method, "path", path)
		answerProblem(c, newProblem(http.StatusForbidden, "forbidden", "not allowed", path+" is open to nobody"))
		return
	}
	switch needs {
	case Open:
	case Scrape:
		h.needToken(c)
	case SignIn:
		if peerOf(c.Request.Context()).pod {
			answerProblem(c, newProblem(http.StatusForbidden, "forbidden", "not allowed", "programs of the mesh come with a token (heddle token create), not with a password"))
			return
		}
		_, _ = h.authenticate(c) // whoever is signed in already is told apart
	default:
		who, err := h.authenticate(c)
		switch {
		case errors.Is(err, auth.ErrNotSignedIn):
			c.Header("WWW-Authenticate", "Bearer")
			answerProblem(c, newProblem(http.StatusUnauthorized, "notSignedIn", "sign in first", "POST /api/v1/session with username and password, or send a token (heddle token create) as a bearer token"))
		case err != nil:
			h.log.ErrorContext(c.Request.Context(), "who asks could not be found out", "error", err)
			answerProblem(c, newProblem(http.StatusServiceUnavailable, "unavailable", "sign-in does not work at the moment", "the log of the control plane says why"))
		case !who.Role.Can(needs):
			no := &auth.Forbidden{Needs: needs}
			answerProblem(c, forbidden(no))
		}
	}
	// Typed routes have the same bound and say so in better words, before this one.
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bodyLimit(needs)+1<<10)
}

// bodyLimit is how long a request body may be.
func bodyLimit(needs Capability) int64 {
	if needs == SignIn {
		return maxSignInBody
	}
	return maxBody
}

// authenticate finds who asks, and has the rest of the request know.
func (h *Handlers) authenticate(c *gin.Context) (auth.Session, error) {
	ctx := c.Request.Context()
	if who, ok := auth.From(ctx); ok {
		return who, nil // on the owner's socket
	}
	if h.auth == nil {
		return auth.Session{}, auth.ErrNotSignedIn
	}
	p := peerOf(ctx)
	if p.pod && c.GetHeader("Authorization") == "" {
		return auth.Session{}, auth.ErrNotSignedIn // whatever cookie it has is a person's
	}
	who, renewal, err := h.auth.Authenticate(c.Request, p.Address)
	if err != nil {
		return auth.Session{}, err
	}
	if renewal != nil {
		c.Header("Set-Cookie", auth.Cookie(renewal.Cookie, p.secure).String())
	}
	c.Request = c.Request.WithContext(auth.With(ctx, who))
	return who, nil
}

// needToken lets only requests with the scrape token pass, and the owner's.
func (h *Handlers) needToken(c *gin.Context) {
	if who, ok := auth.From(c.Request.Context()); ok && who.Role.Can(OwnerOnly) {
		return
	}
	token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !ok || h.scrapeToken == "" || subtle.ConstantTimeCompare([]byte(token), []byte(h.scrapeToken)) != 1 {
		c.Header("WWW-Authenticate", "Bearer")
		answerProblem(c, newProblem(http.StatusUnauthorized, "notSignedIn", "a token is needed", "send the content of <state>/scrape-token as a bearer token"))
	}
}

// secureHeaders go with every answer. There is no Strict-Transport-Security: it
// would hold for every port of the host, where programs of the mesh speak
// plaintext.
func secureHeaders(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Cache-Control", "no-store")
}

// needsOf is the table of routes by what gin calls them.
func needsOf(table []route) map[string]Capability {
	out := map[string]Capability{}
	for _, r := range table {
		out[r.method+" "+ginPath(r.path)] = r.needs
	}
	return out
}

// ginPath writes the parameters of a path as gin does: {name} is :name.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// known are the errors of packages below that have an answer of their own.
func known(err error) *Problem {
	var no *auth.Forbidden
	var bad *auth.Invalid
	var slow *auth.Throttled
	var busy *queue.Busy
	switch {
	case errors.As(err, &no):
		return forbidden(no)
	case errors.As(err, &bad):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "invalid value", bad.Error())
		p.Params = map[string]any{"field": bad.Field}
		return p
	case errors.As(err, &slow):
		p := newProblem(http.StatusTooManyRequests, "throttled", "too many attempts", slow.Error())
		p.Params = map[string]any{"seconds": slow.Seconds()}
		return p
	case errors.As(err, &busy):
		p := newProblem(http.StatusServiceUnavailable, "busy", "the server is busy", busy.Error())
		if busy.Own {
			p = newProblem(http.StatusTooManyRequests, "busy", "too many requests at once", busy.Error())
		}
		p.Params = map[string]any{"seconds": busy.Seconds()}
		return p
	case errors.Is(err, auth.ErrNotSignedIn):
		return newProblem(http.StatusUnauthorized, "notSignedIn", "sign in first", "the session is over; sign in again")
	case errors.Is(err, auth.ErrNotFound):
		return newProblem(http.StatusNotFound, "notFound", "not found", err.Error())
	case errors.Is(err, auth.ErrExists):
		return newProblem(http.StatusConflict, "exists", "there is one already", err.Error())
	case errors.Is(err, auth.ErrLastAdministrator):
		return newProblem(http.StatusConflict, "lastAdministrator", "not allowed", err.Error())
	case database.IsNotWritable(err):
		return newProblem(http.StatusServiceUnavailable, "databaseNotWritable", "nothing can be written", err.Error())
	}
	return nil
}

func forbidden(no *auth.Forbidden) *Problem {
	p := newProblem(http.StatusForbidden, "forbidden", "not allowed", no.Error())
	p.Params = map[string]any{"needs": string(no.Needs)}
	return p
}
