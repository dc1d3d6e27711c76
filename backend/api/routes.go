package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
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

	{http.MethodGet, "/api/v1/openapi.json", View, "openapi", "This description", document},

	{http.MethodPost, "/api/v1/session", SignIn, "sign-in", "Sign in", typed((*Handlers).signIn)},
	{http.MethodGet, "/api/v1/session", View, "session", "Who is signed in", typed((*Handlers).session)},
	{http.MethodDelete, "/api/v1/session", View, "sign-out", "Sign out", typed((*Handlers).signOut)},
	{http.MethodPost, "/api/v1/session/renew", View, "renew-session", "Go on with the session", typed((*Handlers).renewSession)},
	{http.MethodPost, "/api/v1/session/password", View, "change-password", "Change one's own password", typed((*Handlers).changePassword)},
	{http.MethodGet, "/api/v1/users", Admin, "users", "All users", typed((*Handlers).users)},
	{http.MethodPost, "/api/v1/users", Admin, "add-user", "Make a user", typed((*Handlers).addUser)},
	{http.MethodPatch, "/api/v1/users/{name}", Admin, "change-user", "Change a user's role or password, disable a user", typed((*Handlers).changeUser)},
	{http.MethodDelete, "/api/v1/users/{name}", Admin, "remove-user", "Remove a user", typed((*Handlers).removeUser)},
	{http.MethodGet, "/api/v1/tokens", View, "tokens", "One's own tokens; an administrator sees all", typed((*Handlers).tokens)},
	{http.MethodPost, "/api/v1/tokens", View, "create-token", "Make a token of one's own", typed((*Handlers).createToken)},
	{http.MethodDelete, "/api/v1/tokens/{id}", View, "revoke-token", "Revoke a token of one's own; an administrator any", typed((*Handlers).revokeToken)},
	{http.MethodGet, "/api/v1/audit", Admin, "audit", "What was done, by whom", typed((*Handlers).listAudit)},

	{http.MethodGet, "/api/v1/graph", View, "graph", "Who talks to whom", typed((*Handlers).graph)},
	{http.MethodGet, "/api/v1/services", View, "services", "All services", typed((*Handlers).services)},
	{http.MethodGet, "/api/v1/services/{namespace}/{name}", View, "service", "One service", typed((*Handlers).service)},
	{http.MethodGet, "/api/v1/workloads", View, "workloads", "All workloads", typed((*Handlers).workloads)},
	{http.MethodGet, "/api/v1/findings", View, "findings", "What is wrong", typed((*Handlers).findings)},
	{http.MethodGet, "/api/v1/kinds", View, "kinds", "The kinds of objects", typed((*Handlers).kinds)},
	{http.MethodGet, "/api/v1/schemas/{kind}", View, "schema", "The fields of a kind, for editors", typed((*Handlers).schema)},
	{http.MethodGet, "/api/v1/config/{kind}", View, "list-objects", "The objects of a kind", typed((*Handlers).listObjects)},
	{http.MethodGet, "/api/v1/config/{kind}/{namespace}/{name}", View, "object", "One object", typed((*Handlers).object)},
	{http.MethodPost, "/api/v1/config", EditTraffic, "apply", "Write objects, all or none", inTurn((*Handlers).apply)},
	{http.MethodPost, "/api/v1/deletions", EditTraffic, "delete-objects", "Delete objects, all or none", inTurn((*Handlers).deleteObjects)},
	{http.MethodPatch, "/api/v1/config/{kind}/{namespace}/{name}", EditTraffic, "edit-object", "Change fields of one object in its text", inTurn((*Handlers).edit)},
	{http.MethodDelete, "/api/v1/config/{kind}/{namespace}/{name}", EditTraffic, "delete-object", "Delete one object", inTurn((*Handlers).deleteObject)},

	{http.MethodPut, "/api/v1/changes", EditTraffic, "put-change", "Write and delete objects, all or none", inTurn((*Handlers).putChange)},
	{http.MethodGet, "/api/v1/changes", View, "changes", "What was changed, by whom", typed((*Handlers).changes)},
	{http.MethodGet, "/api/v1/changes/{id}", View, "change", "One change with its texts", typed((*Handlers).change)},
	{http.MethodPost, "/api/v1/changes/{id}/undo", EditTraffic, "undo-change", "Write what stood there before a change", inTurn((*Handlers).undoChange)},
	{http.MethodGet, "/api/v1/objects/{kind}/{namespace}/{name}/history", View, "object-history", "The texts that an object had", typed((*Handlers).revisions)},
	{http.MethodPost, "/api/v1/merge", View, "merge", "Merge three texts by their lines", inTurn((*Handlers).merge)},

	{http.MethodPost, "/api/v1/preview", View, "preview", "What a change would do", inTurn((*Handlers).preview)},
	{http.MethodPost, "/api/v1/preview/envoy", View, "preview-envoy", "What a change would do to Envoy's configuration", inTurn((*Handlers).previewEnvoy)},
	{http.MethodPost, "/api/v1/try", View, "try", "Where a request would go, before and after a change", inTurn((*Handlers).try)},
	{http.MethodGet, "/api/v1/services/{namespace}/{name}/settings", View, "service-settings", "What is in force for calls to a service, and who decided it", typed((*Handlers).serviceSettings)},
	{http.MethodGet, "/api/v1/services/{namespace}/{name}/split", View, "service-split", "How a service's traffic can be divided between its versions", typed((*Handlers).split)},
	{http.MethodPost, "/api/v1/services/{namespace}/{name}/split", View, "split", "The change that divides it so", typed((*Handlers).splitEdits)},

	{http.MethodGet, "/api/v1/proxies", View, "proxies", "What each proxy was sent, took and refused", typed((*Handlers).proxies)},
	{http.MethodGet, "/api/v1/proxies/{proxy}/config/{what}", View, "proxy-config", "What a proxy holds", typed((*Handlers).proxyConfig)},
	{http.MethodPost, "/api/v1/check", View, "check", "What is wrong with manifests, written to the mesh or alone", inTurn((*Handlers).check)},
	{http.MethodPost, "/api/v1/fixes", View, "fixes", "The ways to mend one finding", inTurn((*Handlers).fixes)},
	{http.MethodPost, "/api/v1/explain", View, "explain", "Where a request would go, and why", inTurn((*Handlers).explain)},

	{http.MethodGet, "/api/v1/proxies/{proxy}/log-level", View, "proxy-log-level", "How much a proxy logs", typed((*Handlers).logLevel)},
	{http.MethodPut, "/api/v1/proxies/{proxy}/log-level", Admin, "set-proxy-log-level", "Have a proxy log more or less, until it starts again", typed((*Handlers).setLogLevel)},
	{http.MethodGet, "/api/v1/pods/{namespace}/{pod}/logs", View, "pod-logs", "What a container of a pod wrote", typed((*Handlers).logs)},

	{http.MethodGet, "/api/v1/series", View, "series", "Rates, errors, durations and bytes over time", typed((*Handlers).series)},
	{http.MethodGet, "/api/v1/timeline", View, "timeline", "The recent past at one glance, with what began to fail", typed((*Handlers).timeline)},
	{http.MethodGet, "/api/v1/traces", View, "traces", "Search traces", typed((*Handlers).findTraces)},
	{http.MethodGet, "/api/v1/traces/services", View, "trace-services", "The services that sent spans", typed((*Handlers).traceServices)},
	{http.MethodGet, "/api/v1/traces/{id}", View, "trace", "One trace", typed((*Handlers).trace)},
	{http.MethodGet, "/api/v1/live", View, "live", "What changes, told over a websocket", socket((*Handlers).liveSocket)},
	{http.MethodGet, "/api/v1/version", View, "version", "The version of the control plane", typed((*Handlers).serverVersion)},

	{http.MethodGet, "/prometheus/*path", View, "prometheus-get", "The standard Prometheus API", plain((*Handlers).promAPI)},
	{http.MethodPost, "/prometheus/*path", View, "prometheus-post", "The standard Prometheus API", plain((*Handlers).promAPI)},
}

// typed mounts a handler whose input and output are Go types: huma checks the
// input, and documents both.
func typed[I, O any](f func(*Handlers, context.Context, *I) (*O, error)) func(*Handlers, *gin.Engine, huma.API, route) {
	return func(h *Handlers, _ *gin.Engine, a huma.API, r route) {
		op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, MaxBodyBytes: bodyLimit(r.needs), Tags: []string{string(r.needs)}}
		huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) { return f(h, ctx, in) })
	}
}

// plain mounts a handler that writes its own answer.
func plain(f func(*Handlers, *gin.Context)) func(*Handlers, *gin.Engine, huma.API, route) {
	return func(h *Handlers, e *gin.Engine, _ huma.API, r route) {
		e.Handle(r.method, ginPath(r.path), func(c *gin.Context) { f(h, c) })
	}
}

// document mounts the description of all typed routes.
func document(_ *Handlers, e *gin.Engine, a huma.API, r route) {
	a.OpenAPI().AddOperation(&huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Tags: []string{string(r.needs)},
		Responses: map[string]*huma.Response{"200": {Description: "An OpenAPI 3.1 document"}},
	})
	e.Handle(r.method, r.path, func(c *gin.Context) {
		text, err := json.Marshal(a.OpenAPI())
		if err != nil {
			writeProblem(c, http.StatusInternalServerError, "the document cannot be made", err.Error())
			return
		}
		c.Data(http.StatusOK, "application/vnd.oai.openapi+json", text)
	})
}
