package translate

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	commonfaultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/fault/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// faultFilter is the slot of the filter chain that a route's faults fill. The
// filter stands there disabled.
const faultFilter = "envoy.filters.http.fault"

// fault fills the fault slot of the filter chain for one route.
func fault(in *networking.HTTPFaultInjection) (map[string]*anypb.Any, error) {
	out := &faultv3.HTTPFault{DisableDownstreamClusterStats: true}
	if d := in.GetDelay(); d != nil {
		delay, err := faultDelay(d)
		if err != nil {
			return nil, err
		}
		out.Delay = delay
	}
	if a := in.GetAbort(); a != nil {
		abort, err := faultAbort(a)
		if err != nil {
			return nil, err
		}
		out.Abort = abort
	}
	if out.Delay == nil && out.Abort == nil {
		return nil, errors.New("a fault needs a delay, an abort, or both")
	}
	if err := out.ValidateAll(); err != nil {
		return nil, err
	}
	return map[string]*anypb.Any{faultFilter: packed(out)}, nil
}

func faultDelay(in *networking.HTTPFaultInjection_Delay) (*commonfaultv3.FaultDelay, error) {
	if in.GetFixedDelay() == nil {
		return nil, mistake("delay", "needs a fixedDelay; an exponential one %w", errNotYet)
	}
	if err := checkDuration(in.GetFixedDelay(), false); err != nil {
		return nil, &fieldError{path: "delay.fixedDelay", err: err}
	}
	//lint:ignore SA1019 people still write percent
	percentage, err := faultPercentage("delay", in.GetPercentage(), in.GetPercent())
	if err != nil {
		return nil, err
	}
	return &commonfaultv3.FaultDelay{
		FaultDelaySecifier: &commonfaultv3.FaultDelay_FixedDelay{FixedDelay: in.GetFixedDelay()},
		Percentage:         percentage,
	}, nil
}

func faultAbort(in *networking.HTTPFaultInjection_Abort) (*faultv3.FaultAbort, error) {
	percentage, err := faultPercentage("abort", in.GetPercentage(), 0)
	if err != nil {
		return nil, err
	}
	out := &faultv3.FaultAbort{Percentage: percentage}
	switch e := in.GetErrorType().(type) {
	case *networking.HTTPFaultInjection_Abort_HttpStatus:
		if e.HttpStatus < 200 || e.HttpStatus > 599 {
			return nil, mistake("abort.httpStatus", "%d is no final answer: use 200 to 599", e.HttpStatus)
		}
		out.ErrorType = &faultv3.FaultAbort_HttpStatus{HttpStatus: uint32(e.HttpStatus)}
	case *networking.HTTPFaultInjection_Abort_GrpcStatus:
		status, ok := grpcStatus(e.GrpcStatus)
		if !ok {
			return nil, mistake("abort.grpcStatus", "%q is no gRPC status such as UNAVAILABLE", e.GrpcStatus)
		}
		out.ErrorType = &faultv3.FaultAbort_GrpcStatus{GrpcStatus: status}
	default:
		return nil, mistake("abort", "needs httpStatus or grpcStatus; an http2Error %w", errNotYet)
	}
	return out, nil
}

// grpcStatus reads a status by name ("UNAVAILABLE") or number.
func grpcStatus(s string) (uint32, bool) {
	var status codes.Code
	if _, err := strconv.ParseUint(s, 10, 8); err != nil {
		s = strconv.Quote(strings.ToUpper(s))
	}
	err := status.UnmarshalJSON([]byte(s))
	return uint32(status), err == nil
}

// faultPercentage is the share of requests; none of them when nobody says.
func faultPercentage(path string, p *networking.Percent, old int32) (*typev3.FractionalPercent, error) {
	if p == nil {
		p = &networking.Percent{Value: float64(old)}
	}
	share, err := perMillion(p.GetValue())
	if err != nil {
		return nil, &fieldError{path: path + ".percentage", err: err}
	}
	return share, nil
}

func perMillion(percent float64) (*typev3.FractionalPercent, error) {
	if math.IsNaN(percent) || percent < 0 || percent > 100 {
		return nil, fmt.Errorf("%v is no share: use 0 to 100", percent)
	}
	return &typev3.FractionalPercent{
		Numerator:   uint32(math.Round(percent * 10000)),
		Denominator: typev3.FractionalPercent_MILLION,
	}, nil
}

// A mirrored is one place that gets copies of requests.
type mirrored struct {
	path        string // field path in the rule of what names the destination
	destination *networking.Destination
	percent     float64
	percentPath string
}

// mirrorsOf lists the mirrors of a rule, however they are written. One that
// gets no requests is left out.
func mirrorsOf(http *networking.HTTPRoute) []mirrored {
	var all []mirrored
	if d := http.GetMirror(); d != nil {
		m := mirrored{path: "mirror", destination: d, percent: 100, percentPath: "mirrorPercentage"}
		//lint:ignore SA1019 people still write mirrorPercent
		old := http.GetMirrorPercent()
		switch {
		case http.GetMirrorPercentage() != nil:
			m.percent = http.GetMirrorPercentage().GetValue()
		case old != nil:
			m.percent, m.percentPath = float64(old.GetValue()), "mirrorPercent"
		}
		all = append(all, m)
	}
	for i, in := range http.GetMirrors() {
		m := mirrored{
			path:        fmt.Sprintf("mirrors[%d].destination", i),
			destination: in.GetDestination(), percent: 100,
			percentPath: fmt.Sprintf("mirrors[%d].percentage", i),
		}
		if in.GetPercentage() != nil {
			m.percent = in.GetPercentage().GetValue()
		}
		all = append(all, m)
	}
	var some []mirrored
	for _, m := range all {
		if m.percent != 0 {
			some = append(some, m)
		}
	}
	return some
}

// mirror sends copies of requests, with "-shadow" behind the host, to places
// whose answers nobody waits for.
func (k *routeMaker) mirror(r rule, at string, action *routev3.RouteAction) {
	for i, m := range mirrorsOf(r.http) {
		k.found(r.vs, at+"."+m.path, r.mirrors[i], mesh.Error)
		share, err := perMillion(m.percent)
		if err != nil {
			k.fail(r.vs, at+"."+m.percentPath, err)
			continue
		}
		action.RequestMirrorPolicies = append(action.RequestMirrorPolicies, &routev3.RouteAction_RequestMirrorPolicy{
			Cluster:         r.mirrors[i].cluster,
			RuntimeFraction: &corev3.RuntimeFractionalPercent{DefaultValue: share},
			// A copy is not part of the caller's trace.
			TraceSampled: wrapperspb.Bool(false),
		})
	}
}
