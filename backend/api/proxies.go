package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

type proxiesOutput struct{ Body []serve.ProxyStatus }

func (h *Handlers) proxies(context.Context, *struct{}) (*proxiesOutput, error) {
	out := &proxiesOutput{Body: h.mesh.Proxies()}
	if out.Body == nil {
		out.Body = []serve.ProxyStatus{}
	}
	return out, nil
}

// findWorkload understands pod UIDs, "pod.namespace", pod names, and workload
// names such as deployment/reviews-v1 or reviews-v1: the first ready pod of it.
func (h *Handlers) findWorkload(text string) (*mesh.Workload, error) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "deployment/"), "pod/")
	var found []*mesh.Workload
	for w := range h.mesh.Snapshot().Workloads.Values() {
		switch text {
		case w.UID, w.Pod + "." + w.Namespace, w.Pod:
			return w, nil
		case w.Workload, w.Workload + "." + w.Namespace:
			found = append(found, w)
		}
	}
	if len(found) == 0 {
		return nil, huma.NewError(http.StatusNotFound, "no pod or workload is called "+strconv.Quote(text)+"; see `heddle proxy-status`")
	}
	if i := slices.IndexFunc(found, func(w *mesh.Workload) bool { return w.Ready }); i >= 0 {
		return found[i], nil
	}
	return found[0], nil
}

// adminPaths are what a proxy itself is asked, by the word after proxy-config.
var adminPaths = map[string]string{
	"listeners": "/config_dump?resource=dynamic_listeners",
	"routes":    "/config_dump?resource=dynamic_route_configs",
	"clusters":  "/config_dump?resource=dynamic_active_clusters",
	"endpoints": "/config_dump?resource=dynamic_endpoint_configs&include_eds",
	"secrets":   "/config_dump?resource=dynamic_active_secrets",
	"bootstrap": "/config_dump?mask=bootstrap", // it is no list, which resource= wants
	"all":       "/config_dump?include_eds",
	"stats":     "/stats?usedonly&format=json",
}

type proxyConfigInput struct {
	Proxy string `path:"proxy" maxLength:"253"`
	What  string `path:"what" enum:"listeners,routes,clusters,endpoints,secrets,bootstrap,all,stats"`
}

type proxyConfigOutput struct{ Body json.RawMessage }

func (h *Handlers) proxyConfig(ctx context.Context, in *proxyConfigInput) (*proxyConfigOutput, error) {
	if in.What == "all" {
		if err := auth.Require(ctx, Admin, "a whole dump"); err != nil {
			return nil, problemOf(err)
		}
	}
	w, err := h.findWorkload(in.Proxy)
	if err != nil {
		return nil, err
	}
	if !w.Meshed && !w.Gateway {
		return nil, huma.NewError(http.StatusNotFound, "pod "+w.Namespace+"/"+w.Pod+" has no proxy")
	}
	dump, err := h.mesh.Envoy(ctx, w.UID, adminPaths[in.What])
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "the proxy of "+w.Namespace+"/"+w.Pod+" does not answer: "+err.Error())
	}
	if !json.Valid(dump) {
		return nil, huma.NewError(http.StatusBadGateway, "the proxy of "+w.Namespace+"/"+w.Pod+" answers what is no JSON")
	}
	return &proxyConfigOutput{dump}, nil
}

type explainInput struct {
	Body struct {
		Method  string            `json:"method" maxLength:"32"`
		URL     string            `json:"url" maxLength:"8192"`
		From    string            `json:"from" maxLength:"253" doc:"Pod or workload that calls"`
		Headers map[string]string `json:"headers,omitempty"`
	}
}

type explainOutput struct{ Body *simulate.Answer }

func (h *Handlers) explain(ctx context.Context, in *explainInput) (*explainOutput, error) {
	w, err := h.findWorkload(in.Body.From)
	if err != nil {
		return nil, err
	}
	call, err := simulate.NewCall(in.Body.Method, in.Body.URL)
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	call.Headers = in.Body.Headers
	answer, _, err := h.mesh.Try(ctx, w, call, nil)
	if ctx.Err() != nil {
		return nil, problemOf(ctx.Err())
	}
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	return &explainOutput{answer}, nil
}
