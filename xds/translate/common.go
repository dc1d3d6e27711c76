package translate

import (
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
)

// shareRetries moves the retry policy that most routes of a host have to the
// host: a policy is a third of a route, and every change of a route sends them
// all to every proxy. Routes without a policy are those that must not retry;
// beside a policy of the host they say so with an empty one, which retries on
// nothing.
func shareRetries(vh *routev3.VirtualHost) {
	var most *routev3.RetryPolicy
	keys, count := map[*routev3.RouteAction]string{}, map[string]int{}
	for _, r := range vh.GetRoutes() {
		action := r.GetRoute()
		if action == nil {
			continue
		}
		key := policyKey(action.GetRetryPolicy())
		keys[action] = key
		if count[key]++; count[key] > count[policyKey(most)] {
			most = action.GetRetryPolicy()
		}
	}
	if most == nil {
		return
	}
	vh.RetryPolicy = most
	for action, key := range keys {
		switch key {
		case "":
			action.RetryPolicy = &routev3.RetryPolicy{}
		case policyKey(most):
			action.RetryPolicy = nil
		}
	}
}

// policyKey is equal for equal policies, and "" for none.
func policyKey(p *routev3.RetryPolicy) string {
	if p == nil {
		return ""
	}
	// What fails to marshal here fails for the whole host a moment later.
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	return string(raw)
}
