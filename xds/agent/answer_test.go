package agent

import (
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/xds"
)

// resource is one with content of its own.
func resource(t *testing.T, name, body string) *discoveryv3.Resource {
	t.Helper()
	a, err := anypb.New(&clusterv3.Cluster{Name: name, AltStatName: body})
	if err != nil {
		t.Fatal(err)
	}
	return &discoveryv3.Resource{Name: name, Version: body, Resource: a}
}

func response(t *testing.T, typeURL, nonce string, names ...string) *discoveryv3.DeltaDiscoveryResponse {
	t.Helper()
	m := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: typeURL, Nonce: nonce}
	for _, n := range names {
		m.Resources = append(m.Resources, resource(t, n, "1"))
	}
	return m
}

// said shortens responses to what they are about.
func said(responses []*discoveryv3.DeltaDiscoveryResponse) [][]string {
	var out [][]string
	for _, m := range responses {
		line := []string{short(m.GetTypeUrl())}
		for _, r := range m.GetResources() {
			line = append(line, "+"+r.GetName())
		}
		for _, n := range m.GetRemovedResources() {
			line = append(line, "-"+n)
		}
		out = append(out, line)
	}
	return out
}

func short(typeURL string) string {
	return map[string]string{
		xds.ClusterType: "CDS", xds.EndpointType: "EDS", xds.ListenerType: "LDS",
		xds.RouteType: "RDS", xds.VirtualHostType: "VHDS", xds.RuntimeType: "RTDS",
	}[typeURL]
}

func filled(t *testing.T) *cache {
	t.Helper()
	c := newCache()
	c.commit(1, response(t, xds.ClusterType, "", "a", "b"))
	c.commit(1, response(t, xds.EndpointType, "", "a", "b"))
	c.commit(1, response(t, xds.ListenerType, "", "in", "out"))
	c.commit(1, response(t, xds.RouteType, "", "80", "in|80||"))
	c.commit(1, response(t, xds.VirtualHostType, "", "80/x", "80/y", "90/z"))
	return c
}

func TestAnswerer(t *testing.T) {
	type request struct {
		typeURL      string
		names, unsub []string
		holds        []string
		want         [][]string
	}
	cases := map[string][]request{
		"a new Envoy gets everything, hosts behind their configuration": {
			{typeURL: xds.RuntimeType, names: []string{"heddle"}, want: [][]string{{"RTDS", "-heddle"}}},
			{typeURL: xds.ClusterType, want: [][]string{{"CDS", "+a", "+b"}}},
			{typeURL: xds.EndpointType, names: []string{"a", "b"}, want: [][]string{{"EDS", "+a", "+b"}}},
			{typeURL: xds.ListenerType, want: [][]string{{"LDS", "+in", "+out"}}},
			{typeURL: xds.RouteType, names: []string{"80"}, want: [][]string{{"RDS", "+80"}, {"VHDS", "+80/x", "+80/y"}}},
			{typeURL: xds.VirtualHostType},
			{typeURL: xds.RouteType, names: []string{"in|80||"}, want: [][]string{{"RDS", "+in|80||"}, {"VHDS", "-in|80||/none"}}},
		},
		"an Envoy that holds everything gets nothing": {
			{typeURL: xds.ClusterType, holds: []string{"a", "b"}},
			{typeURL: xds.EndpointType, names: []string{"a", "b"}, holds: []string{"a", "b"}},
			{typeURL: xds.ListenerType, holds: []string{"in", "out", "more"}},
			{typeURL: xds.RouteType, names: []string{"80"}, holds: []string{"80"}},
			{typeURL: xds.VirtualHostType, holds: []string{"80/x", "80/y"}},
		},
		"what it lacks is added, with the endpoints that it will not ask for again": {
			{typeURL: xds.EndpointType, names: []string{"a", "b"}, holds: []string{"a", "b"}},
			{typeURL: xds.ClusterType, holds: []string{"a"}, want: [][]string{{"CDS", "+b"}, {"EDS", "+b"}}},
			{typeURL: xds.RouteType, names: []string{"80"}, holds: []string{"80"}},
			{typeURL: xds.VirtualHostType, holds: []string{"80/x"}, want: [][]string{{"VHDS", "+80/y"}}},
		},
		"hosts count as dropped with their configuration": {
			{typeURL: xds.VirtualHostType, holds: []string{"80/x", "80/y"}},
			{typeURL: xds.RouteType, names: []string{"80"}, want: [][]string{{"RDS", "+80"}, {"VHDS", "+80/x", "+80/y"}}},
		},
		"what was never kept is said to be absent, once": {
			{typeURL: xds.EndpointType, names: []string{"a", "q"}, want: [][]string{{"EDS", "+a", "-q"}}},
			{typeURL: xds.EndpointType, names: []string{"a"}},
			{typeURL: xds.EndpointType, unsub: []string{"a"}},
			{typeURL: xds.EndpointType, names: []string{"a"}, want: [][]string{{"EDS", "+a"}}},
		},
		"a named wildcard": {
			{typeURL: xds.ClusterType, names: []string{"*"}, want: [][]string{{"CDS", "+a", "+b"}}},
			{typeURL: xds.ClusterType, names: []string{"a"}},
		},
	}
	for name, requests := range cases {
		t.Run(name, func(t *testing.T) {
			a := newAnswerer(filled(t))
			for i, r := range requests {
				m := &discoveryv3.DeltaDiscoveryRequest{
					TypeUrl: r.typeURL, ResourceNamesSubscribe: r.names, ResourceNamesUnsubscribe: r.unsub,
					InitialResourceVersions: map[string]string{},
				}
				for _, n := range r.holds {
					m.InitialResourceVersions[n] = "0" // whatever Envoy holds is good
				}
				if diff := cmp.Diff(r.want, said(a.request(m))); diff != "" {
					t.Errorf("request %d: -want +got:\n%s", i, diff)
				}
				if got := a.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.typeURL, ResponseNonce: "kept-1"}); got != nil {
					t.Errorf("request %d: an acknowledgement is answered by %v", i, said(got))
				}
			}
		})
	}
}

func TestEmptyWildcardIsAnswered(t *testing.T) {
	a := newAnswerer(newCache())
	if diff := cmp.Diff([][]string{{"CDS"}}, said(a.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType}))); diff != "" {
		t.Error(diff)
	}
}

// wire plays a stream through a journal.
type wire struct {
	t *testing.T
	j *journal
}

func (w wire) request(m *discoveryv3.DeltaDiscoveryRequest) {
	w.t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.j.request(data)
}

func (w wire) response(m *discoveryv3.DeltaDiscoveryResponse) {
	w.t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.j.response(data)
}

func (w wire) ack(typeURL, nonce string) {
	w.t.Helper()
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: typeURL, ResponseNonce: nonce})
}

func (w wire) nack(typeURL, nonce, words string) {
	w.t.Helper()
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: typeURL, ResponseNonce: nonce, ErrorDetail: &statuspb.Status{Message: words}})
}

func names(c *cache, typeURL string) []string {
	var out []string
	for _, r := range c.all(typeURL) {
		out = append(out, r.GetName()+"="+r.GetVersion())
	}
	return out
}

func TestJournalKeepsWhatIsAcknowledged(t *testing.T) {
	c := newCache()
	w := wire{t, newJournal(1, c, quietLog())}
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType})
	w.response(response(t, xds.ClusterType, "1", "a", "b"))
	if got := names(c, xds.ClusterType); got != nil {
		t.Errorf("kept before the acknowledgement: %v", got)
	}
	w.ack(xds.ClusterType, "1")
	w.ack(xds.ClusterType, "1") // means nothing any more
	if diff := cmp.Diff([]string{"a=1", "b=1"}, names(c, xds.ClusterType)); diff != "" {
		t.Error(diff)
	}
	removal := response(t, xds.ClusterType, "2")
	removal.RemovedResources = []string{"a"}
	w.response(removal)
	w.ack(xds.ClusterType, "2")
	if diff := cmp.Diff([]string{"b=1"}, names(c, xds.ClusterType)); diff != "" {
		t.Error(diff)
	}
	secret := response(t, xds.SecretType, "3", "default")
	w.response(secret)
	w.ack(xds.SecretType, "3")
	if got := names(c, xds.SecretType); got != nil {
		t.Errorf("secrets are kept: %v", got)
	}
}

func TestJournalNeverKeepsWhatWasRefused(t *testing.T) {
	c := newCache()
	w := wire{t, newJournal(1, c, quietLog())}
	w.response(&discoveryv3.DeltaDiscoveryResponse{TypeUrl: xds.ClusterType, Nonce: "1", Resources: []*discoveryv3.Resource{resource(t, "bad", "0")}})
	w.ack(xds.ClusterType, "1")

	both := response(t, xds.ClusterType, "2", "good", "bad")
	w.response(both)
	w.nack(xds.ClusterType, "2", "Error adding/updating cluster(s) bad: no such thing")
	// Envoy takes the same bad bytes the second time.
	again := proto.CloneOf(both)
	again.Nonce = "3"
	w.response(again)
	w.ack(xds.ClusterType, "3")
	if diff := cmp.Diff([]string{"bad=0", "good=1"}, names(c, xds.ClusterType)); diff != "" {
		t.Error(diff)
	}
	// Where Envoy names nothing, nothing of the response is trusted.
	w.response(response(t, xds.ListenerType, "4", "in", "out"))
	w.nack(xds.ListenerType, "4", "something is wrong")
	w.response(response(t, xds.ListenerType, "5", "in", "out"))
	w.ack(xds.ListenerType, "5")
	if got := names(c, xds.ListenerType); got != nil {
		t.Error(got)
	}
}

func TestJournalDropsWhatWentUnheard(t *testing.T) {
	c := filled(t)
	w := wire{t, newJournal(2, c, quietLog())}
	// A new Envoy; meanwhile b, out and 80/y were removed.
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType})
	w.response(response(t, xds.ClusterType, "1", "a"))
	w.ack(xds.ClusterType, "1")
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ListenerType})
	w.response(response(t, xds.ListenerType, "2", "in"))
	w.ack(xds.ListenerType, "2")
	w.response(response(t, xds.VirtualHostType, "3", "80/x"))
	w.ack(xds.VirtualHostType, "3")
	got := map[string][]string{}
	for _, typeURL := range xds.Types {
		if n := names(c, typeURL); n != nil {
			got[short(typeURL)] = n
		}
	}
	want := map[string][]string{
		"CDS": {"a=1"}, "EDS": {"a=1"}, "LDS": {"in=1"}, "RDS": {"80=1", "in|80||=1"}, "VHDS": {"80/x=1", "90/z=1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.RouteType, ResourceNamesUnsubscribe: []string{"80"}})
	if diff := cmp.Diff([]string{"90/z=1"}, names(c, xds.VirtualHostType)); diff != "" {
		t.Error(diff)
	}
}

func TestJournalKeepsWhatEnvoySaysToHold(t *testing.T) {
	c := filled(t)
	w := wire{t, newJournal(2, c, quietLog())}
	w.request(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ListenerType, InitialResourceVersions: map[string]string{"in": "1", "out": "1"}})
	w.response(response(t, xds.ListenerType, "1", "third"))
	w.ack(xds.ListenerType, "1")
	if diff := cmp.Diff([]string{"in=1", "out=1", "third=1"}, names(c, xds.ListenerType)); diff != "" {
		t.Error(diff)
	}
}

func TestJournalSurvivesNonsense(t *testing.T) {
	c := newCache()
	j := newJournal(1, c, quietLog())
	j.request([]byte{0xff, 0xff})
	j.response([]byte{0xff, 0xff})
	for i := range 2 * maxOutstanding {
		wire{t, j}.response(response(t, xds.ClusterType, string(rune('a'+i%26)), "a"))
	}
	if len(j.waiting) > maxOutstanding {
		t.Errorf("%d responses are remembered", len(j.waiting))
	}
}
