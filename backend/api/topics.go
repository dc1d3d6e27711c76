package api

import (
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// Topic is one line of the table below.
type Topic struct {
	Name  string
	Needs Capability
}

// topics lists everything that can be subscribed to over the live socket.
// Nothing is told that does not stand here.
var topics = []Topic{
	{"graph", View},
	{"findings", View},
	{"proxies", View},
	{"objects", View},
	{"parts", View},
	{"delivery", View},
	{"split", View},
	{"events", View},
}

// Topics is the table of topics and what each needs.
func Topics() []Topic { return append([]Topic(nil), topics...) }

// liveTypes are what travels over the live socket, besides what routes have: they
// are part of the document, so that clients have their types from there.
var liveTypes = []reflect.Type{
	reflect.TypeFor[live.Request](), reflect.TypeFor[live.Patch](), reflect.TypeFor[live.News](), reflect.TypeFor[live.Failure](),
	reflect.TypeFor[GraphMeta](), reflect.TypeFor[graph.LiveNode](), reflect.TypeFor[graph.LiveEdge](),
	reflect.TypeFor[LiveProxy](), reflect.TypeFor[LiveObject](), reflect.TypeFor[LivePart](), reflect.TypeFor[LiveNack](), reflect.TypeFor[LiveFinding](), reflect.TypeFor[LiveDelivery](), reflect.TypeFor[delivery.Summary](), reflect.TypeFor[canary.Told](), reflect.TypeFor[LiveChange](),
}

func documentLive(r huma.Registry) {
	for _, t := range liveTypes {
		r.Schema(t, true, t.Name())
	}
}

// socket mounts a handler that upgrades to a websocket, and documents it.
func socket(f func(*Handlers, *gin.Context)) func(*Handlers, *gin.Engine, huma.API, route) {
	return func(h *Handlers, e *gin.Engine, a huma.API, r route) {
		plain(f)(h, e, a, r)
		documentLive(a.OpenAPI().Components.Schemas)
		a.OpenAPI().AddOperation(&huma.Operation{
			OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Tags: []string{string(r.needs)},
			Responses: map[string]*huma.Response{"101": {Description: "The connection becomes a websocket: the client sends LiveRequest, the server LivePatch, LiveNews and LiveFailure, all as JSON text"}},
		})
	}
}

// liveSocket serves the live socket.
func (h *Handlers) liveSocket(c *gin.Context) {
	if h.live == nil {
		writeProblem(c, http.StatusNotFound, "no live socket", "this server tells nothing live")
		return
	}
	who, _ := auth.From(c.Request.Context())
	caller := callerOf(who)
	caller.Origin = peerOf(c.Request.Context()).origin
	if who.ID != "" {
		caller.Ended = h.auth.Ended(who.ID)
	}
	h.live.Serve(c.Writer, c.Request, caller)
}

// callerOf is who opens a socket: however many sessions and tokens somebody has,
// their sockets count together.
func callerOf(who auth.Session) live.Caller {
	return live.Caller{Key: who.User, May: func(topic string) bool {
		i := slices.IndexFunc(topics, func(t Topic) bool { return t.Name == topic })
		return i >= 0 && who.Role.Can(topics[i].Needs)
	}}
}

// GraphMeta is the element "meta" of the topic graph.
type GraphMeta struct {
	At       time.Time `json:"at" doc:"The end of the window that the figures are of"`
	Seconds  float64   `json:"seconds" doc:"The length of that window"`
	Revision string    `json:"revision" doc:"Of the mesh that the figures are shown on"`
	// StaleSince and Problem are there while newer figures cannot be read.
	StaleSince *time.Time `json:"staleSince,omitempty"`
	Problem    string     `json:"problem,omitempty"`
}

// LiveProxy is an element of the topic proxies, by pod UID.
type LiveProxy struct {
	serve.ProxyStatus
	Workload string  `json:"workload"`
	Pod      string  `json:"pod"`
	Ready    bool    `json:"ready"`
	Node     string  `json:"node,omitempty" doc:"The machine that its pod runs on"`
	RPS      float64 `json:"rps" doc:"Requests per second that it carries, in and out"`
	// CertificateEnds and CertificateRenews are there once its pod has shown which
	// certificate it presents.
	CertificateEnds   *time.Time `json:"certificateEnds,omitempty" doc:"When the certificate that it presents ends"`
	CertificateRenews *time.Time `json:"certificateRenews,omitempty" doc:"When that certificate is due to be renewed"`
	// Refused is what it is not sent because it was rejected.
	Refused []RefusedResource `json:"refused"`
}

// RefusedResource is a resource that a proxy is not sent because it was rejected.
type RefusedResource struct {
	Type     string     `json:"type"`
	Resource string     `json:"resource"`
	Message  string     `json:"message" doc:"Envoy's own words"`
	Refs     []mesh.Ref `json:"refs" doc:"What the resource was made of, the likely culprit first"`
	At       time.Time  `json:"at"`
}

// LiveObject is an element of the topic objects, by the complete name of the object
// ("VirtualService.networking.istio.io/default/reviews").
type LiveObject struct {
	Ref      mesh.Ref    `json:"ref"`
	ETag     string      `json:"etag"`
	State    string      `json:"state" enum:"ok,info,warning,error,rejected"`
	Findings Severities  `json:"findings"`
	Hosts    []string    `json:"hosts" doc:"As the object names them"`
	Services []string    `json:"services" doc:"Those that it acts on, as namespace/name; empty where it acts on a whole namespace or mesh"`
	Scope    string      `json:"scope" enum:"services,namespace,mesh"`
	Changed  *LastChange `json:"changed,omitempty"`
	// NotSupported objects have no effect.
	NotSupported bool `json:"notSupported"`
}

// Severities counts findings.
type Severities struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Info    int `json:"info"`
}

// LastChange is the last change of an object, as far as it is known.
type LastChange struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor,omitempty"`
	Change string    `json:"change,omitempty" doc:"Id of the change set"`
}

// LivePart is an element of the topic parts: a part of Heddle itself.
type LivePart struct {
	State  string            `json:"state" enum:"ok,stale,away"`
	Since  time.Time         `json:"since"`
	Code   string            `json:"code,omitempty" enum:"starting,sourceAway,clusterTaken,unreachable,noSamples,portTaken,notWritable"`
	Params map[string]string `json:"params,omitempty"`
	Detail string            `json:"detail,omitempty"`
}

// LiveNack are the params of the event nack.
type LiveNack struct {
	Proxy    string     `json:"proxy" doc:"pod.namespace"`
	UID      string     `json:"uid"`
	Type     string     `json:"type"`
	Resource string     `json:"resource,omitempty" doc:"Empty while it is not known which one was meant"`
	Message  string     `json:"message"`
	Refs     []mesh.Ref `json:"refs"`
}

// LiveChange are the params of the event change.
type LiveChange struct {
	Change  string          `json:"change"`
	At      time.Time       `json:"at"`
	Actor   string          `json:"actor"`
	Via     history.Via     `json:"via" enum:"console,cli,file,up,token"`
	Summary history.Summary `json:"summary"`
}

// LiveFinding are the params of the event finding.
type LiveFinding struct {
	Op      string       `json:"op" enum:"new,gone"`
	Finding mesh.Finding `json:"finding"`
}
