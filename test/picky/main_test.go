package main

import (
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/bootstrap"
	"github.com/heddle-mesh/heddle/xds/envoy"
	"github.com/heddle-mesh/heddle/xds/serve/servetest/follower"
)

func response(t *testing.T, hosts ...string) *discoveryv3.DeltaDiscoveryResponse {
	t.Helper()
	r := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: xds.VirtualHostType, Nonce: "7"}
	for _, name := range hosts {
		body, err := anypb.New(&routev3.VirtualHost{Name: name, Domains: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		r.Resources = append(r.Resources, &discoveryv3.Resource{Name: name, Resource: body})
	}
	return r
}

func TestRejectsWhatHoldsTheText(t *testing.T) {
	one := taste{text: []byte("bitter"), words: "too bitter"}
	for _, c := range []struct {
		hosts []string
		words string
	}{
		{hosts: []string{"sweet", "sour"}},
		{hosts: []string{"sweet", "bitter"}, words: "too bitter"},
		{},
	} {
		got, err := one.answer(follower.New(), response(t, c.hosts...))
		if err != nil {
			t.Fatal(err)
		}
		last := got[len(got)-1]
		if last.GetTypeUrl() != xds.VirtualHostType || last.GetResponseNonce() != "7" || last.GetErrorDetail().GetMessage() != c.words {
			t.Errorf("%q: answered %v, want the words %q", c.hosts, last, c.words)
		}
	}
}

func TestReadsTheBootstrapOfTheAgent(t *testing.T) {
	text, err := bootstrap.JSON(bootstrap.Config{
		Role: xds.Sidecar, Pod: "p", Namespace: "n", AgentSocket: "/pod/envoy.sock", AdminSocket: "/pod/admin.sock",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(text)
	if err != nil || got.agent != "/pod/envoy.sock" || got.admin != "/pod/admin.sock" || got.node == "" {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := read([]byte("{}")); err == nil {
		t.Error("a bootstrap without sockets is taken")
	}
}

func TestPassesForTheEnvoyThatIsNeeded(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"bitter", "too bitter", "--version"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "version: 0/"+envoy.Pinned+"/") {
		t.Errorf("it says %q", out.String())
	}
}
