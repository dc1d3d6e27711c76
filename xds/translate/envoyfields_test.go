package translate

import (
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh/config"
)

// TestEnvoyFields: the model knows the fields that an EnvoyFilter may patch
// without knowing Envoy; here is who compares them.
func TestEnvoyFields(t *testing.T) {
	for applyTo, m := range map[networking.EnvoyFilter_ApplyTo]proto.Message{
		networking.EnvoyFilter_LISTENER:            &listenerv3.Listener{},
		networking.EnvoyFilter_FILTER_CHAIN:        &listenerv3.FilterChain{},
		networking.EnvoyFilter_NETWORK_FILTER:      &listenerv3.Filter{},
		networking.EnvoyFilter_LISTENER_FILTER:     &listenerv3.ListenerFilter{},
		networking.EnvoyFilter_HTTP_FILTER:         &hcmv3.HttpFilter{},
		networking.EnvoyFilter_ROUTE_CONFIGURATION: &routev3.RouteConfiguration{},
		networking.EnvoyFilter_VIRTUAL_HOST:        &routev3.VirtualHost{},
		networking.EnvoyFilter_HTTP_ROUTE:          &routev3.Route{},
		networking.EnvoyFilter_CLUSTER:             &clusterv3.Cluster{},
		networking.EnvoyFilter_EXTENSION_CONFIG:    &corev3.TypedExtensionConfig{},
		networking.EnvoyFilter_BOOTSTRAP:           &bootstrapv3.Bootstrap{},
	} {
		var want []string
		fields := m.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			want = append(want, string(fields.Get(i).Name()))
		}
		if diff := cmp.Diff(want, config.EnvoyFields(applyTo)); diff != "" {
			t.Errorf("%s (-Envoy +model):\n%s", applyTo, diff)
		}
	}
}
