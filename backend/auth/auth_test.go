package auth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestRolesAreSetsOfCapabilities(t *testing.T) {
	want := map[Role]string{
		Viewer: "view", Operator: "view editTraffic", AdminRole: "view editTraffic admin", OwnerRole: "view editTraffic admin owner",
		"": "", "root": "", "Admin": "",
	}
	for role, can := range want {
		var got []string
		for _, c := range []Capability{Public, Scrape, SignIn, View, EditTraffic, Admin, Owner} {
			if role.Can(c) {
				got = append(got, string(c))
			}
		}
		if strings.Join(got, " ") != can {
			t.Errorf("%q can %v, want %q", role, got, can)
		}
	}
}

// Every kind that there is, by what writing it needs.
func TestToWrite(t *testing.T) {
	want := map[string]Capability{}
	for kinds, c := range map[string]Capability{
		"VirtualService DestinationRule ServiceEntry":                                                             EditTraffic,
		"Gateway Sidecar EnvoyFilter ProxyConfig WorkloadEntry WorkloadGroup WasmPlugin TrafficExtension":         Admin,
		"AuthorizationPolicy PeerAuthentication RequestAuthentication Telemetry":                                  Admin,
		"BackendTLSPolicy GRPCRoute GatewayClass HTTPRoute ListenerSet ReferenceGrant TCPRoute TLSRoute UDPRoute": Admin,
		"ConfigMap Namespace Pod Secret Service ServiceAccount Deployment EndpointSlice":                          Owner,
	} {
		for _, name := range strings.Fields(kinds) {
			want[name] = c
		}
	}
	for _, k := range config.Kinds {
		if got := ToWrite(k.Kind); got != want[k.Kind.Name] {
			t.Errorf("%s needs %q, want %q", k.Kind, got, want[k.Kind.Name])
		}
	}
	for _, k := range config.OtherKinds {
		if got := ToWrite(k.Kind); got != Owner {
			t.Errorf("%s, which is no kind of the mesh, needs %q", k.Kind, got)
		}
	}
	for _, k := range []mesh.Kind{{}, {Name: "VirtualService"}, {Group: "example.org", Name: "VirtualService"}} {
		if got := ToWrite(k); got != Owner {
			t.Errorf("%v needs %q", k, got)
		}
	}
}

func TestMayWriteLooksAtEveryObject(t *testing.T) {
	vs := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "a", Name: "b"}
	policy := mesh.Ref{Kind: mesh.KindPeerAuthentication, Namespace: "a", Name: "b"}
	program := mesh.Ref{Kind: mesh.KindDeployment, Namespace: "a", Name: "b"}
	tests := []struct {
		role Role
		refs []mesh.Ref
		want Capability // that is missing; "" when it is allowed
	}{
		{Viewer, []mesh.Ref{vs}, EditTraffic},
		{Operator, []mesh.Ref{vs}, ""},
		{Operator, []mesh.Ref{vs, policy}, Admin},
		{AdminRole, []mesh.Ref{vs, policy}, ""},
		{AdminRole, []mesh.Ref{vs, program, policy}, Owner},
		{OwnerRole, []mesh.Ref{vs, program, policy}, ""},
		{"", []mesh.Ref{vs}, EditTraffic},
	}
	for _, tt := range tests {
		err := MayWrite(With(t.Context(), Session{Role: tt.role}), tt.refs...)
		var no *Forbidden
		if errors.As(err, &no) != (tt.want != "") || no != nil && no.Needs != tt.want {
			t.Errorf("%s writes %v: %v, want %q", tt.role, tt.refs, err, tt.want)
		}
	}
	if err := MayWrite(context.Background(), vs); err == nil {
		t.Error("who did not sign in may write")
	}
}

func TestForbiddenSaysWhatToDo(t *testing.T) {
	for needs, want := range map[Capability]string{
		Owner: "use heddle on the machine", Admin: "needs the role admin", EditTraffic: "needs the role operator", View: "needs a sign-in",
	} {
		if got := (&Forbidden{Needs: needs, What: "writing x"}).Error(); !strings.Contains(got, want) || !strings.HasPrefix(got, "writing x ") {
			t.Errorf("%s: %q", needs, got)
		}
	}
}
