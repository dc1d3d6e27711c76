package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

func (h *Handlers) healthz(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

func (h *Handlers) readyz(c *gin.Context) {
	if why := h.mesh.Ready(); why != "" {
		c.String(http.StatusServiceUnavailable, why+"\n")
		return
	}
	c.String(http.StatusOK, "ok\n")
}

func (h *Handlers) ownMetrics(c *gin.Context) { h.own.ServeHTTP(c.Writer, c.Request) }

// targets answers in the form of Prometheus' http_sd: every pod with an agent,
// to be scraped through this server.
func (h *Handlers) targets(c *gin.Context) {
	scheme := "http"
	if c.Request.TLS != nil {
		scheme = "https"
	}
	var points []metrics.ScrapePoint
	for w := range h.mesh.Snapshot().Workloads.Values() {
		if w.Meshed || w.Gateway {
			points = append(points, metrics.ScrapePoint{
				Address: c.Request.Host, Scheme: scheme, Path: "/metrics/pods/" + w.Namespace + "/" + w.Pod,
				// The instance is the pod: all of them have the address of this server.
				Labels: map[string]string{"namespace": w.Namespace, "pod": w.Pod, "job": "mesh", "instance": w.Pod},
			})
		}
	}
	list, err := metrics.HTTPSD(points)
	if err != nil {
		writeProblem(c, http.StatusInternalServerError, "the list of targets cannot be made", err.Error())
		return
	}
	c.Data(http.StatusOK, "application/json", list)
}

func (h *Handlers) podMetrics(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 10*time.Second)
	defer cancel()
	text, err := h.mesh.PodMetrics(ctx, c.Param("namespace"), c.Param("pod"))
	if err != nil {
		writeProblem(c, http.StatusBadGateway, "the pod does not answer", err.Error())
		return
	}
	c.Data(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", text)
}

func (h *Handlers) promAPI(c *gin.Context) {
	if h.prometheus == nil {
		writeProblem(c, http.StatusNotFound, "no built-in Prometheus", "this control plane reads the Prometheus named in its settings; ask that one")
		return
	}
	http.StripPrefix("/prometheus", h.prometheus).ServeHTTP(c.Writer, c.Request)
}

type graphInput struct {
	Type       string   `query:"type" enum:"service,workload,app,versionedApp" default:"versionedApp" doc:"What a node stands for"`
	Namespaces []string `query:"namespace" maxItems:"100" doc:"Only these namespaces and what they talk to; all when empty"`
	Window     string   `query:"window" default:"1m" maxLength:"16" doc:"Rates are means over this time, such as 30s or 5m"`
	Idle       bool     `query:"idle" default:"true" doc:"Show what has no traffic"`
}

type graphOutput struct{ Body *graph.Graph }

func (h *Handlers) graph(ctx context.Context, in *graphInput) (*graphOutput, error) {
	window, err := time.ParseDuration(in.Window)
	if err != nil || window < 5*time.Second || window > 24*time.Hour {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "window must be a duration from 5s to 24h, such as 1m")
	}
	g, err := h.mesh.Graph(ctx, graph.Options{Type: graph.Type(in.Type), Namespaces: in.Namespaces, Window: window, IncludeIdle: in.Idle})
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "metrics cannot be read: "+err.Error())
	}
	return &graphOutput{g}, nil
}

// Service is one service as the API shows it.
type Service struct {
	Host      string        `json:"host"`
	Namespace string        `json:"namespace"`
	Name      string        `json:"name"`
	Addresses []string      `json:"addresses"`
	External  bool          `json:"external"`
	Headless  bool          `json:"headless"`
	Ports     []ServicePort `json:"ports"`
	Workloads []string      `json:"workloads"` // names of the workloads behind it
}

// ServicePort is one port with the number of its endpoints.
type ServicePort struct {
	Name      string `json:"name,omitempty"`
	Number    uint32 `json:"number"`
	Protocol  string `json:"protocol"` // "" when it is sniffed
	Endpoints int    `json:"endpoints"`
	Ready     int    `json:"ready"`
}

type namespaceInput struct {
	Namespace string `query:"namespace" maxLength:"253" doc:"Only this namespace"`
}

type servicesOutput struct{ Body []Service }

func (h *Handlers) services(_ context.Context, in *namespaceInput) (*servicesOutput, error) {
	snap := h.mesh.Snapshot()
	out := &servicesOutput{Body: []Service{}}
	for s := range snap.Services.Values() {
		if in.Namespace == "" || s.Namespace == in.Namespace {
			out.Body = append(out.Body, serviceOf(snap, s))
		}
	}
	return out, nil
}

type serviceInput struct {
	Namespace string `path:"namespace" maxLength:"253"`
	Name      string `path:"name" maxLength:"253"`
}

type serviceOutput struct{ Body Service }

func (h *Handlers) service(_ context.Context, in *serviceInput) (*serviceOutput, error) {
	snap := h.mesh.Snapshot()
	for s := range snap.Services.Values() {
		if s.Namespace == in.Namespace && s.Name == in.Name {
			return &serviceOutput{serviceOf(snap, s)}, nil
		}
	}
	return nil, notFound("service " + in.Namespace + "/" + in.Name)
}

func serviceOf(snap *mesh.Snapshot, s *mesh.Service) Service {
	out := Service{Host: s.Host, Namespace: s.Namespace, Name: s.Name, External: s.External, Headless: s.Headless, Addresses: []string{}, Ports: []ServicePort{}, Workloads: []string{}}
	for _, a := range s.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	seen := map[string]bool{}
	for _, p := range s.Ports {
		port := ServicePort{Name: p.Name, Number: p.Number, Protocol: string(p.Protocol)}
		if list, ok := snap.Endpoints.Get(mesh.EndpointKey{Host: s.Host, Port: p.Number}); ok {
			port.Endpoints = len(list.Endpoints)
			for _, e := range list.Endpoints {
				if e.Health == mesh.Ready {
					port.Ready++
				}
				if name := e.Workload.Workload; name != "" && !seen[name] {
					seen[name] = true
					out.Workloads = append(out.Workloads, name)
				}
			}
		}
		out.Ports = append(out.Ports, port)
	}
	return out
}

// Workload is one pod as the API shows it.
type Workload struct {
	UID            string            `json:"uid"`
	Namespace      string            `json:"namespace"`
	Pod            string            `json:"pod"`
	Workload       string            `json:"workload"`
	App            string            `json:"app"`
	Version        string            `json:"version"`
	ServiceAccount string            `json:"serviceAccount"`
	Address        string            `json:"address"`
	Phase          string            `json:"phase"`
	Ready          bool              `json:"ready"`
	Meshed         bool              `json:"meshed"`
	Gateway        bool              `json:"gateway"`
	Labels         map[string]string `json:"labels"`
}

type workloadsOutput struct{ Body []Workload }

func (h *Handlers) workloads(_ context.Context, in *namespaceInput) (*workloadsOutput, error) {
	out := &workloadsOutput{Body: []Workload{}}
	for w := range h.mesh.Snapshot().Workloads.Values() {
		if in.Namespace != "" && w.Namespace != in.Namespace {
			continue
		}
		address := ""
		if w.Address.IsValid() {
			address = w.Address.String()
		}
		out.Body = append(out.Body, Workload{
			UID: w.UID, Namespace: w.Namespace, Pod: w.Pod, Workload: w.Workload, App: w.App, Version: w.Version,
			ServiceAccount: w.ServiceAccount, Address: address, Phase: w.Phase, Ready: w.Ready, Meshed: w.Meshed, Gateway: w.Gateway, Labels: w.Labels,
		})
	}
	return out, nil
}

type findingsInput struct {
	Namespace string `query:"namespace" maxLength:"253"`
	Severity  string `query:"severity" enum:"error,warning,info" doc:"Only findings of this severity"`
	Page
}

type findingsOutput struct {
	Link string `header:"Link"`
	Body []mesh.Finding
}

func (h *Handlers) findings(_ context.Context, in *findingsInput) (*findingsOutput, error) {
	out := &findingsOutput{Body: []mesh.Finding{}}
	for _, f := range h.mesh.Findings() {
		if (in.Namespace == "" || f.Ref.Namespace == in.Namespace) && (in.Severity == "" || string(f.Severity) == in.Severity) {
			out.Body = append(out.Body, f)
		}
	}
	slices.SortFunc(out.Body, func(a, b mesh.Finding) int { return comparePlaces(a, b, func() string { return digestOf(b) }) })
	var err error
	out.Body, out.Link, err = cut(in.Page, "/api/v1/findings", url.Values{"namespace": {in.Namespace}, "severity": {in.Severity}}, out.Body,
		keyOf, func(f, after mesh.Finding) int {
			return comparePlaces(f, after, func() string { return after.Message })
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type versionOutput struct {
	Body struct {
		Version string `json:"version"`
	}
}

func (h *Handlers) serverVersion(context.Context, *struct{}) (*versionOutput, error) {
	out := &versionOutput{}
	out.Body.Version = h.version
	return out, nil
}
