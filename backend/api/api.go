// Package api is the HTTP face of the control plane: one literal table of
// routes, each with the capability it needs, over gin and huma. It holds no
// state; what it answers comes from a Mesh.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/source"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// Mesh is what the API asks and tells. Its methods are safe for concurrent use.
type Mesh interface {
	// Snapshot is the latest one; never nil, but empty before the sources spoke.
	Snapshot() *mesh.Snapshot
	// Objects is everything declared or reported, with its text where somebody
	// wrote it, and no older than what Writer wrote last.
	Objects(ctx context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error)
	// Findings are those of all origins, sorted.
	Findings() []mesh.Finding
	Writer() source.Writer
	// Check says which findings a change would add.
	Check(ctx context.Context, written []*mesh.Object, removed []mesh.Ref) ([]mesh.Finding, error)
	// Settle waits until every connected proxy has taken what follows from
	// objects that Writer wrote, or ctx ends.
	Settle(ctx context.Context, written []*mesh.Object)

	Proxies() []serve.ProxyStatus
	// Envoy asks the admin interface of a pod's proxy through its agent.
	Envoy(ctx context.Context, podUID, path string) ([]byte, error)
	// Explain walks a call from a workload through what its proxy was sent.
	Explain(from *mesh.Workload, call simulate.Call) (*simulate.Answer, error)

	Graph(ctx context.Context, o graph.Options) (*graph.Graph, error)
	Traces() *traces.Client
	// PodMetrics is what one pod's agent exposes, as text.
	PodMetrics(ctx context.Context, namespace, pod string) ([]byte, error)
	// Ready says why the control plane cannot serve yet; "" when it can.
	Ready() string
}

// maxBody bounds every request body: a manifest of many objects fits.
const maxBody = 4 << 20

// Handlers of one control plane.
type Handlers struct {
	mesh    Mesh
	version string
	// prometheus answers the standard Prometheus API below /prometheus.
	prometheus http.Handler
	// own exposes the control plane's own metrics.
	own http.Handler
	// scrapeToken lets an outside Prometheus in; requests without it are refused.
	scrapeToken string
	hosts       Hosts
	live        *live.Hub
	log         *slog.Logger
}

// Options of New.
type Options struct {
	Mesh        Mesh
	Version     string
	Prometheus  http.Handler // nil when the user's own server is asked
	OwnMetrics  http.Handler
	ScrapeToken string
	Hosts       Hosts // of the public port
	Live        *live.Hub
	Log         *slog.Logger
}

// New makes the handlers.
func New(o Options) *Handlers {
	return &Handlers{
		mesh: o.Mesh, version: o.Version, prometheus: o.Prometheus, own: o.OwnMetrics, scrapeToken: o.ScrapeToken, hosts: o.Hosts,
		live: o.Live, log: o.Log,
	}
}

// Owner serves everything, for a socket that only the mesh's owner can open.
func (h *Handlers) Owner() http.Handler {
	return h.engine(func(Capability) bool { return true })
}

// Public serves what needs no sign-in, for a TCP port: health, the control
// plane's metrics, and, to who has the scrape token, the pods' metrics. It
// answers only under the names of Options.Hosts.
func (h *Handlers) Public() http.Handler {
	return h.engine(func(c Capability) bool { return c == Open || c == Scrape }, h.hosts.knownHost)
}

func (h *Handlers) engine(allowed func(Capability) bool, first ...gin.HandlerFunc) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.Use(gin.Recovery(), limitBody, secureHeaders)
	engine.Use(first...)
	engine.NoMethod(func(c *gin.Context) {
		writeProblem(c, http.StatusMethodNotAllowed, "method not allowed", c.Request.URL.Path+" takes "+c.Writer.Header().Get("Allow"))
	})
	engine.NoRoute(func(c *gin.Context) {
		writeProblem(c, http.StatusNotFound, "no such page", c.Request.URL.Path+" does not exist, or is only on the owner's socket")
	})
	config := huma.DefaultConfig("Heddle", h.version)
	config.OpenAPIPath = "/api/v1/openapi"
	config.DocsPath = ""
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[mesh.Ref](), reflect.TypeFor[Ref]())
	documentLive(config.Components.Schemas)
	config.SchemasPath = "/api/v1/schemas"
	if !allowed(View) {
		config.OpenAPIPath, config.SchemasPath = "", ""
	}
	a := humagin.New(engine, config)
	for _, r := range routes {
		if allowed(r.needs) {
			r.mount(h, engine, a, r)
		}
	}
	return engine
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

func limitBody(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
}

func secureHeaders(c *gin.Context) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Cache-Control", "no-store")
}
