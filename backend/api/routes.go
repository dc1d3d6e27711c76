package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// Capability is what a caller must be allowed to do. Roles are sets of these.
type Capability string

const (
	Open   Capability = "open"   // anybody
	Scrape Capability = "scrape" // an outside Prometheus with the scrape token
	View   Capability = "view"
	Edit   Capability = "edit"
	Admin  Capability = "admin"
)

// route is one line of the table below.
type route struct {
	method, path string
	needs        Capability
	id, summary  string
	mount        func(*Handlers, *gin.Engine, huma.API, route)
}

// routes lists everything that can be asked. Nothing is served that does not
// stand here.
var routes = []route{
	{http.MethodGet, "/healthz", Open, "healthz", "The process lives", plain((*Handlers).healthz)},
	{http.MethodGet, "/readyz", Open, "readyz", "The control plane serves", plain((*Handlers).readyz)},
	{http.MethodGet, "/metrics", Open, "metrics", "The control plane's own metrics", plain((*Handlers).ownMetrics)},
	{http.MethodGet, "/metrics/targets", Scrape, "scrape-targets", "All pods, for Prometheus' http_sd", plain((*Handlers).targets)},
	{http.MethodGet, "/metrics/pods/:namespace/:pod", Scrape, "pod-metrics", "The metrics of one pod", plain((*Handlers).podMetrics)},

	{http.MethodGet, "/api/v1/graph", View, "graph", "Who talks to whom", typed((*Handlers).graph)},
	{http.MethodGet, "/api/v1/services", View, "services", "All services", typed((*Handlers).services)},
	{http.MethodGet, "/api/v1/services/{namespace}/{name}", View, "service", "One service", typed((*Handlers).service)},
	{http.MethodGet, "/api/v1/workloads", View, "workloads", "All workloads", typed((*Handlers).workloads)},
	{http.MethodGet, "/api/v1/findings", View, "findings", "What is wrong", typed((*Handlers).findings)},
	{http.MethodGet, "/api/v1/kinds", View, "kinds", "The kinds of objects", typed((*Handlers).kinds)},
	{http.MethodGet, "/api/v1/config/{kind}", View, "list-objects", "The objects of a kind", typed((*Handlers).listObjects)},
	{http.MethodGet, "/api/v1/config/{kind}/{namespace}/{name}", View, "object", "One object", typed((*Handlers).object)},
	{http.MethodPost, "/api/v1/config", Edit, "apply", "Write objects, all or none", typed((*Handlers).apply)},
	{http.MethodPost, "/api/v1/deletions", Edit, "delete-objects", "Delete objects, all or none", typed((*Handlers).deleteObjects)},
	{http.MethodPatch, "/api/v1/config/{kind}/{namespace}/{name}", Edit, "edit-object", "Change fields of one object in its text", typed((*Handlers).edit)},
	{http.MethodDelete, "/api/v1/config/{kind}/{namespace}/{name}", Edit, "delete-object", "Delete one object", typed((*Handlers).deleteObject)},

	{http.MethodGet, "/api/v1/proxies", View, "proxies", "What each proxy was sent, took and refused", typed((*Handlers).proxies)},
	{http.MethodGet, "/api/v1/proxies/{proxy}/config/{what}", View, "proxy-config", "What a proxy holds", typed((*Handlers).proxyConfig)},
	{http.MethodPost, "/api/v1/explain", View, "explain", "Where a request would go, and why", typed((*Handlers).explain)},

	{http.MethodGet, "/api/v1/traces", View, "traces", "Search traces", typed((*Handlers).findTraces)},
	{http.MethodGet, "/api/v1/traces/services", View, "trace-services", "The services that sent spans", typed((*Handlers).traceServices)},
	{http.MethodGet, "/api/v1/traces/{id}", View, "trace", "One trace", typed((*Handlers).trace)},
	{http.MethodGet, "/api/v1/version", View, "version", "The version of the control plane", typed((*Handlers).serverVersion)},

	{http.MethodGet, "/prometheus/*path", View, "prometheus-get", "The standard Prometheus API", plain((*Handlers).promAPI)},
	{http.MethodPost, "/prometheus/*path", View, "prometheus-post", "The standard Prometheus API", plain((*Handlers).promAPI)},
}

// typed mounts a handler whose input and output are Go types: huma checks the
// input, and documents both.
func typed[I, O any](f func(*Handlers, context.Context, *I) (*O, error)) func(*Handlers, *gin.Engine, huma.API, route) {
	return func(h *Handlers, _ *gin.Engine, a huma.API, r route) {
		op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, MaxBodyBytes: maxBody, Tags: []string{string(r.needs)}}
		huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) { return f(h, ctx, in) })
	}
}

// plain mounts a handler that writes its own answer.
func plain(f func(*Handlers, *gin.Context)) func(*Handlers, *gin.Engine, huma.API, route) {
	return func(h *Handlers, e *gin.Engine, _ huma.API, r route) {
		handlers := []gin.HandlerFunc{func(c *gin.Context) { f(h, c) }}
		if r.needs == Scrape {
			handlers = append([]gin.HandlerFunc{h.needToken}, handlers...)
		}
		e.Handle(r.method, r.path, handlers...)
	}
}

// needToken lets only requests with the scrape token pass.
func (h *Handlers) needToken(c *gin.Context) {
	token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !ok || h.scrapeToken == "" || subtle.ConstantTimeCompare([]byte(token), []byte(h.scrapeToken)) != 1 {
		c.Header("WWW-Authenticate", "Bearer")
		writeProblem(c, http.StatusUnauthorized, "a token is needed", "send the content of <state>/scrape-token as a bearer token")
	}
}
