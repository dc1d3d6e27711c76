package translate

import (
	"errors"
	"maps"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	networking "istio.io/api/networking/v1alpha3"
)

// headerLists are the four lists of a route or of a weighted cluster.
type headerLists struct {
	requestAdd, responseAdd       *[]*corev3.HeaderValueOption
	requestRemove, responseRemove *[]string
}

func routeHeaders(r *routev3.Route) headerLists {
	return headerLists{&r.RequestHeadersToAdd, &r.ResponseHeadersToAdd, &r.RequestHeadersToRemove, &r.ResponseHeadersToRemove}
}

func clusterHeaders(c *routev3.WeightedCluster_ClusterWeight) headerLists {
	return headerLists{&c.RequestHeadersToAdd, &c.ResponseHeadersToAdd, &c.RequestHeadersToRemove, &c.ResponseHeadersToRemove}
}

// headers appends what a rule or a destination does to headers, set before
// added, each in order of names.
func (k *routeMaker) headers(r rule, at string, h *networking.Headers, to headerLists) {
	k.headerOperations(r, at+".headers.request", h.GetRequest(), to.requestAdd, to.requestRemove)
	k.headerOperations(r, at+".headers.response", h.GetResponse(), to.responseAdd, to.responseRemove)
}

func (k *routeMaker) headerOperations(r rule, at string, ops *networking.Headers_HeaderOperations, add *[]*corev3.HeaderValueOption, remove *[]string) {
	isRequest := strings.HasSuffix(at, ".request")
	for _, list := range []struct {
		field  string
		values map[string]string
		action corev3.HeaderValueOption_HeaderAppendAction
	}{
		{"set", ops.GetSet(), corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD},
		{"add", ops.GetAdd(), corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD},
	} {
		for _, name := range slices.Sorted(maps.Keys(list.values)) {
			path := at + "." + keyed(list.field, name)
			if isHost(name) && isRequest && list.field == "set" {
				continue // a rewrite of the host: see hostHeader
			}
			if isFixed(name) {
				k.fail(r.vs, path, errors.New("this header makes the request what it is and cannot be changed; use rewrite"))
				continue
			}
			if err := headerValue(list.values[name]); err != nil {
				k.fail(r.vs, path, err)
				continue
			}
			*add = append(*add, &corev3.HeaderValueOption{
				Header:       &corev3.HeaderValue{Key: name, Value: list.values[name]},
				AppendAction: list.action,
				// A header that is set to nothing is there, with nothing in it.
				KeepEmptyValue: list.values[name] == "",
			})
		}
	}
	for _, name := range ops.GetRemove() {
		if isFixed(name) {
			k.fail(r.vs, at+".remove", errors.New("header "+name+" makes the request what it is and cannot be removed"))
			continue
		}
		*remove = append(*remove, name)
	}
}

func isHost(name string) bool {
	return strings.EqualFold(name, "host") || strings.EqualFold(name, ":authority")
}

// isFixed reports whether Envoy refuses changes of a header.
func isFixed(name string) bool {
	return strings.HasPrefix(name, ":") || strings.EqualFold(name, "host")
}

// hostHeader is the host that requests are to carry, when headers set one.
func hostHeader(h *networking.Headers) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(h.GetRequest().GetSet())) {
		if isHost(name) {
			return h.GetRequest().GetSet()[name], true
		}
	}
	return "", false
}

// headerValue checks the one thing that Envoy is particular about: a percent
// sign starts a formatter command and doubled stands for itself.
func headerValue(value string) error {
	rest := value
	for {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			return nil
		}
		rest = rest[i+1:]
		if strings.HasPrefix(rest, "%") {
			rest = rest[1:]
			continue
		}
		end := strings.IndexByte(rest, '%')
		if end < 0 || rest == "" || rest[0] < 'A' || rest[0] > 'Z' {
			return errors.New("a percent sign starts a command such as %REQ(name)%; write %% for the sign itself")
		}
		rest = rest[end+1:]
	}
}
