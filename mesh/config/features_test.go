package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestFeatures(t *testing.T) {
	table := config.Features()
	find := func(kind mesh.Kind, path string) (config.Feature, bool) {
		i := slices.IndexFunc(table, func(f config.Feature) bool { return f.Kind == kind && f.Path == path })
		if i < 0 {
			return config.Feature{}, false
		}
		return table[i], true
	}
	for _, c := range []struct {
		kind mesh.Kind
		path string
		want bool
	}{
		{mesh.KindVirtualService, "spec.http[].route", true},
		{mesh.KindVirtualService, "spec.http[].fault.abort.httpStatus", true},
		{mesh.KindVirtualService, "spec.http[].corsPolicy", false},
		{mesh.KindVirtualService, "spec.tcp", false},
		{mesh.KindDestinationRule, "spec.trafficPolicy.loadBalancer.simple", true},
		{mesh.KindDestinationRule, "spec.trafficPolicy.loadBalancer.consistentHash", false},
		{mesh.KindGateway, "spec.servers[].tls", false},
		{mesh.KindSidecar, "", false},
		{mesh.KindService, "", true},
	} {
		f, ok := find(c.kind, c.path)
		if !ok || f.Supported != c.want {
			t.Errorf("%s %s: in the table %v, supported %v, want %v", c.kind, c.path, ok, f.Supported, c.want)
		}
	}
	for _, info := range config.Kinds {
		if !slices.ContainsFunc(table, func(f config.Feature) bool { return f.Kind == info.Kind }) {
			t.Errorf("%s is not in the table", info.Kind)
		}
	}
}

// TestEverySupportedPathExists: a path that names no field would promise what
// cannot even be written.
func TestEverySupportedPathExists(t *testing.T) {
	table := config.Features()
	for _, want := range config.SupportedPaths() {
		if want.Path != "" && !slices.Contains(table, want) {
			t.Errorf("%s has no field %s", want.Kind, want.Path)
		}
	}
}

func TestUnsupportedFieldsAreNamed(t *testing.T) {
	const text = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: x}
spec:
  hosts: [a]
  http:
  - corsPolicy: {allowMethods: [GET]}
    timeout: 1s
    route: [{destination: {host: a}}]
  - route: [{destination: {host: a}}]
  tcp:
  - route: [{destination: {host: a}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: x}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: x}
spec:
  hosts: ["*.example.com"]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DYNAMIC_DNS
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: x}
spec: {host: a, traffic_policy: {load_balancer: {simple: RANDOM}, connection_pool: {tcp: {max_connections: 1}}}}
`
	r := config.Decode("x.yaml", []byte(text))
	want := `object VirtualService default/x line 1
object PeerAuthentication default/x line 14
object ServiceEntry default/x line 18
object DestinationRule default/x line 26
warning HDL0004 7:5 spec.http[0].corsPolicy: corsPolicy is not supported yet and has no effect
warning HDL0004 11:3 spec.tcp: tcp is not supported yet and has no effect
warning HDL0004 15:7 kind: objects of kind PeerAuthentication.security.istio.io are not supported yet and have no effect
warning HDL0004 24:15 spec.resolution: resolution: DYNAMIC_DNS is not supported yet
warning HDL0004 29:67 spec.traffic_policy.connection_pool: connection_pool is not supported yet and has no effect
`
	if diff := cmp.Diff(want, summary(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, o := range r.Objects {
		findings, err := config.Unsupported(o)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, f := range findings {
			got = append(got, f.Path)
		}
		for _, f := range r.Problems {
			if f.Ref == o.Ref {
				path := strings.NewReplacer("traffic_policy", "trafficPolicy", "connection_pool", "connectionPool").Replace(f.Path)
				want = append(want, path)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s without text (-want +got):\n%s", o.Ref, diff)
		}
	}
}
