package translate

import (
	"strings"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// hostWait bounds how long a listener waits for the virtual hosts of a route
// configuration; they are sent right behind it.
const hostWait = 2 * time.Second

// unknownHosts says what becomes of requests to hosts that no route knows.
type unknownHosts string

const (
	unknownNotFound    unknownHosts = "404"         // gateways
	unknownPassthrough unknownHosts = "passthrough" // to wherever the application dialled
	unknownRefused     unknownHosts = "refuse"      // 502
)

func outboundUnknown(s mesh.Settings) unknownHosts {
	if s.OutboundAllowAny {
		return unknownPassthrough
	}
	return unknownRefused
}

// routeParts are a route configuration and its virtual hosts, which are served
// one by one. A configuration without hosts gets a placeholder: Envoy waits
// for a first host before it opens the listener.
func routeParts(name string, hosts []hostPart, rest unknownHosts) []xds.Part {
	parts := []xds.Part{{
		Type: xds.RouteType,
		Name: name,
		Key:  digest("routes", name, string(rest)),
		Make: func() (proto.Message, []mesh.Finding) { return routeConfiguration(name, rest), nil },
	}}
	for _, h := range hosts {
		parts = append(parts, xds.Part{
			Type: xds.VirtualHostType,
			Name: names.VirtualHost(name, h.Suffix),
			Key:  digest("host", name, h.Suffix, h.Key.String()),
			From: h.From,
			Make: func() (proto.Message, []mesh.Finding) {
				m, findings := h.Make(name)
				if m == nil {
					return nil, findings
				}
				return m, findings
			},
			Fallback: func() proto.Message { return closedHost(names.VirtualHost(name, h.Suffix), h.Domains) },
		})
	}
	if len(hosts) == 0 {
		full := names.VirtualHost(name, names.PlaceholderHost)
		parts = append(parts, xds.Part{
			Type: xds.VirtualHostType, Name: full, Key: digest("placeholder", full),
			Make: func() (proto.Message, []mesh.Finding) {
				return &routev3.VirtualHost{Name: full, Domains: []string{names.PlaceholderHost}}, nil
			},
		})
	}
	return parts
}

func routeConfiguration(name string, rest unknownHosts) *routev3.RouteConfiguration {
	rc := &routev3.RouteConfiguration{
		Name:                           name,
		Vhds:                           &routev3.Vhds{ConfigSource: ads(hostWait)},
		ValidateClusters:               wrapperspb.Bool(false),
		IgnorePortInHostMatching:       true,
		MaxDirectResponseBodySizeBytes: wrapperspb.UInt32(maxDirectResponse),
	}
	switch rest {
	case unknownPassthrough:
		rc.VirtualHosts = []*routev3.VirtualHost{{
			Name: "allow_any", Domains: []string{"*"},
			Routes: []*routev3.Route{{
				Name: "allow_any", Match: everything(),
				Action: &routev3.Route_Route{Route: forwardTo(names.Passthrough)},
			}},
		}}
	case unknownRefused:
		rc.VirtualHosts = []*routev3.VirtualHost{{
			Name: "block_all", Domains: []string{"*"},
			Routes: []*routev3.Route{{
				Name: "block_all", Match: everything(),
				Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{Status: 502}},
			}},
		}}
	case unknownNotFound:
	}
	return rc
}

// maxDirectResponse is the largest body that a VirtualService may answer with.
const maxDirectResponse = 1 << 20

func everything() *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}
}

// forwardTo sends on without any time-out.
func forwardTo(cluster string) *routev3.RouteAction {
	return &routev3.RouteAction{
		ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster},
		Timeout:          durationpb.New(0),
		MaxStreamDuration: &routev3.RouteAction_MaxStreamDuration{
			MaxStreamDuration: durationpb.New(0), GrpcTimeoutHeaderMax: durationpb.New(0),
		},
	}
}

// safeMethods matches requests that change nothing, by the meaning of their
// method (RFC 9110, 9.2.1).
func safeMethods() *routev3.RouteMatch {
	m := everything()
	m.Headers = []*routev3.HeaderMatcher{{
		Name: ":method",
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: &matcherv3.RegexMatcher{Regex: "GET|HEAD|OPTIONS"}},
		}},
	}}
	return m
}

// inboundRoutes lead every request to the application's own port.
func inboundRoutes(p inboundPort) xds.Part {
	name := names.InboundRoutes(p.number)
	operation := p.host + ":" + number(p.service) + "/*"
	return xds.Part{
		Type: xds.RouteType, Name: name, From: p.from,
		Key: digest("inbound routes", name, operation),
		Make: func() (proto.Message, []mesh.Finding) {
			route := func(name, retryOn string, match *routev3.RouteMatch) *routev3.Route {
				action := forwardTo(names.InboundCluster(p.number))
				action.RetryPolicy = &routev3.RetryPolicy{RetryOn: retryOn, NumRetries: wrapperspb.UInt32(2)}
				return &routev3.Route{
					Name: name, Match: match, Decorator: &routev3.Decorator{Operation: operation},
					Action: &routev3.Route_Route{Route: action},
				}
			}
			return &routev3.RouteConfiguration{
				Name:             name,
				ValidateClusters: wrapperspb.Bool(false),
				VirtualHosts: []*routev3.VirtualHost{{
					Name: strings.Join([]string{"inbound", "http", number(p.service)}, "|"), Domains: []string{"*"},
					// The application may close a kept connection just as a request
					// goes out on it. Whether it saw the request nobody knows: what
					// may be done twice is sent again, and else only what has not
					// left this proxy.
					Routes: []*routev3.Route{
						route("safe", "reset", safeMethods()),
						route("default", "reset-before-request", everything()),
					},
				}},
			}, nil
		},
	}
}
