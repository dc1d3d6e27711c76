// Package api is the HTTP face of the control plane: one literal table of
// routes, each with the capability it needs, over gin and huma. It holds no
// state; what it answers comes from a Mesh.
package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/backend/queue"
	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// Mesh is what the API asks and tells. Its methods are safe for concurrent use.
type Mesh interface {
	// Snapshot is the latest one; never nil, but empty before the sources spoke.
	Snapshot() *mesh.Snapshot
	// Objects is everything declared or reported, with its text where somebody
	// wrote it, and no older than what was written last.
	Objects(ctx context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error)
	// Findings are those of all origins, sorted.
	Findings() []mesh.Finding
	// Check says which findings a change would add.
	Check(ctx context.Context, written []*mesh.Object, removed []mesh.Ref) ([]mesh.Finding, error)
	// Evidence is what was observed of the mesh for its checks.
	Evidence() validate.Evidence
	// Settle waits until every connected proxy has taken what follows from
	// objects that were written, or ctx ends.
	Settle(ctx context.Context, written []*mesh.Object)

	Proxies() []serve.ProxyStatus
	// Envoy asks the admin interface of a pod's proxy through its agent.
	Envoy(ctx context.Context, podUID, path string) ([]byte, error)
	// Try walks a call through what a workload's proxy was sent, and, with a
	// change that is not written, through what it would be sent.
	Try(ctx context.Context, from *mesh.Workload, call simulate.Call, change *preview.Proposal) (before, after *simulate.Answer, err error)
	// Preview says what a change would do, and PreviewEnvoy what it would do to
	// Envoy's configuration, of one group of proxies; false when there is none of
	// that name.
	Preview(ctx context.Context, change *preview.Proposal) (*preview.Preview, error)
	PreviewEnvoy(ctx context.Context, change *preview.Proposal, group string) ([]preview.ResourceDiff, bool, error)

	Graph(ctx context.Context, o graph.Options) (*graph.Graph, error)
	Traces() *traces.Client
	// PodMetrics is what one pod's agent exposes, as text.
	PodMetrics(ctx context.Context, namespace, pod string) ([]byte, error)
	// Ready says why the control plane cannot serve yet; "" when it can.
	Ready() string

	Observation
	Pods
}

// Handlers of one control plane.
type Handlers struct {
	mesh    Mesh
	name    string // of the mesh
	version string
	// prometheus answers the standard Prometheus API below /prometheus.
	prometheus http.Handler
	// own exposes the control plane's own metrics.
	own http.Handler
	// scrapeToken lets an outside Prometheus in; requests without it are refused.
	scrapeToken string
	hosts       Hosts
	through     Proxies
	auth        *auth.Auth
	console     *Console
	needs       map[string]Capability // by method and gin's path
	live        *live.Hub
	history     *history.History
	owner       string
	turns       *queue.Queue  // of expensive requests
	undoing     chan struct{} // holds the place of the change that is undone
	following   chan struct{} // holds a place for each log that is followed
	log         *slog.Logger
}

// Options of New.
type Options struct {
	Mesh        Mesh
	Name        string // what the mesh is called
	Version     string
	Prometheus  http.Handler // nil when the user's own server is asked
	OwnMetrics  http.Handler
	ScrapeToken string
	Hosts       Hosts   // of the public port
	Proxies     Proxies // that people come through to it
	Auth        *auth.Auth
	Console     *Console // the built front end; nil without one
	Live        *live.Hub
	History     *history.History
	Owner       string // the owner's name, whose changes come over the socket
	Log         *slog.Logger
}

// New makes the handlers.
func New(o Options) *Handlers {
	return &Handlers{
		mesh: o.Mesh, name: o.Name, version: o.Version, prometheus: o.Prometheus, own: o.OwnMetrics, scrapeToken: o.ScrapeToken, hosts: o.Hosts,
		through: o.Proxies, auth: o.Auth, console: cmp.Or(o.Console, &Console{}), needs: needsOf(routes), live: o.Live, history: o.History, owner: o.Owner,
		turns: queue.New(turns), undoing: make(chan struct{}, 1), following: make(chan struct{}, maxFollowers), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}
}

// Owner serves everything, for a socket that only the mesh's owner can open.
func (h *Handlers) Owner() http.Handler {
	engine := h.engine(func(c *gin.Context) {
		writeProblem(c, http.StatusNotFound, "no such page", c.Request.URL.Path+" does not exist")
	})
	owner := auth.Session{User: auth.OwnerName, Role: auth.OwnerRole, Via: auth.CLI}
	return h.survive(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		engine.ServeHTTP(w, r.WithContext(auth.With(r.Context(), owner)))
	}))
}

// Public serves the console and its API, for a TCP port: to each what the table
// of routes allows them. It answers only under the names of Options.Hosts.
func (h *Handlers) Public() http.Handler {
	return h.public(h.engine(h.consolePage))
}

// consolePage serves the front end, at every address that is no route.
func (h *Handlers) consolePage(c *gin.Context) {
	a, ok := h.console.find(c.Request)
	reading := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	switch {
	case ok && reading:
		c.Status(http.StatusOK) // gin's own for what is no route is 404
		if err := h.console.serve(c.Writer, c.Request, a); err != nil {
			writeProblem(c, http.StatusInternalServerError, "the page cannot be read", err.Error())
		}
	case reading && !h.console.built() && c.Request.URL.Path == "/":
		writeProblem(c, http.StatusNotFound, "no console", errNotBuilt.Error())
	default:
		writeProblem(c, http.StatusNotFound, "no such page", c.Request.URL.Path+" does not exist")
	}
}

// engine serves the table of routes; elsewhere answers at all other addresses.
func (h *Handlers) engine(elsewhere gin.HandlerFunc) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	// A redirect would repeat what the request named.
	engine.RedirectTrailingSlash, engine.RedirectFixedPath = false, false
	engine.Use(h.admit)
	engine.NoMethod(func(c *gin.Context) {
		writeProblem(c, http.StatusMethodNotAllowed, "method not allowed", c.Request.URL.Path+" takes "+c.Writer.Header().Get("Allow"))
	})
	engine.NoRoute(elsewhere)
	a := humagin.New(engine, h.config())
	for _, r := range routes {
		r.mount(h, engine, a, r)
	}
	return engine
}

// config is how huma describes and answers. Its own routes are off: everything
// that is served stands in the table.
func (h *Handlers) config() huma.Config {
	config := huma.DefaultConfig("Heddle", h.version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no $schema in answers
	config.Transformers = append(config.Transformers, coded)
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[mesh.Ref](), reflect.TypeFor[Ref]())
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	documentLive(config.Components.Schemas)
	return config
}

// Ref is mesh.Ref as it stands in JSON. The schema is made of it, because two
// fields of mesh.Ref have the same name in Go.
type Ref struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// schemaName tells types of one name in several packages apart: GraphNode,
// SimulateAnswer. Those of this package keep their short names.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	pkg := path.Base(t.PkgPath())
	if t.Name() == "" || pkg == "." || pkg == "api" || pkg == "huma" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}
