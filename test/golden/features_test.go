package golden

import (
	"net/netip"
	"testing"

	"github.com/heddle-mesh/heddle/xds/simulate"
)

// featureCall is a call for a case that says nothing about calls.
type featureCall struct {
	call string
	to   string // address that is dialled, when hosts alone do not decide
	// inbound calls come to the pod from elsewhere; alpn makes them mutual TLS.
	inbound bool
	alpn    string
	want    string
}

var featureCalls = map[string][]featureCall{
	"clusters/subsets": {
		{call: "GET reviews:9080/", want: "reviews.default.svc.cluster.local:9080, retries 2"},
	},
	"endpoints/health": { // by HTTP/2, to pods with and without a sidecar
		{call: "GET mixed:80/a", want: "mixed.default.svc.cluster.local:80, retries 2"},
		{call: "GET mixed:80/b", want: "mixed.default.svc.cluster.local:80, retries 2"},
		{call: "GET mixed:80/c", want: "mixed.default.svc.cluster.local:80, retries 2"},
		{call: "GET mixed:80/d", want: "mixed.default.svc.cluster.local:80, retries 2"},
	},
	"gateway/https": {
		{call: "GET shop.example.com/", want: "productpage.default.svc.cluster.local:9080, retries 2"},
	},
	"gateway/target-port": {
		{call: "GET shop.example.com:8000/", want: "404 NR (no virtual host of route configuration http.8000 answers to shop.example.com)"},
	},
	"inbound/protocols": {
		{call: "GET ratings:9080/", inbound: true, want: "inbound|9080||, retries 2"},
		{call: "GET ratings:9080/", inbound: true, alpn: "heddle-http", want: "inbound|9080||, retries 2"},
		{call: "GET ratings:9080/", inbound: true, alpn: "heddle-tcp", want: "inbound|9080||, retries 2"},
		{call: "GET ratings-more:13306/", inbound: true, want: "inbound|13306||"},
		{call: "GET ratings-more:13306/", inbound: true, alpn: "heddle-tcp", want: "inbound|13306||"},
		{call: "GET ratings-more:7000/", inbound: true, want: "inbound|7000||, retries 2"},
		{call: "GET ratings-more:7000/", inbound: true, alpn: "heddle-http", want: "inbound|7000||, retries 2"},
		{call: "GET ratings-more:7000/", inbound: true, alpn: "heddle-tcp", want: "inbound|7000||"},
		{call: "GET ratings-more:4711/", inbound: true, want: "InboundPassthroughCluster"},
		{call: "GET ratings-more:4711/", inbound: true, alpn: "heddle-http", want: "InboundPassthroughCluster"},
	},
	"outbound/protocols": {
		{call: "GET members:2380/", to: "10.66.0.15", want: "members.default.svc.cluster.local:2380"},
		{call: "GET db:7000/", to: "10.96.0.60", want: "db.default.svc.cluster.local:7000, retries 2"}, // nobody is behind it
		{call: "GET ratings:9080/", to: "10.96.0.13", want: "ratings.default.svc.cluster.local:9080, retries 2"},
	},
	"outbound/registry-only": {
		{call: "GET example.org:9080/", want: `answer 502 ""`},
		{call: "GET reviews:9080/", want: "reviews.default.svc.cluster.local:9080, retries 2"},
	},
}

func (c *caller) callFeature(t *testing.T, f featureCall) {
	t.Helper()
	call, err := simulate.ParseCall(f.call)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case f.inbound:
		call.Address = c.proxy.workload.Address
	case f.to != "":
		call.Address = netip.MustParseAddr(f.to)
	default:
		call.Address = dialled
	}
	call.Inbound = f.inbound
	if f.alpn != "" {
		call.TLS, call.ALPN = true, []string{f.alpn}
	}
	answer, err := simulate.Walk(c.set, call)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.String(); got != f.want {
		t.Errorf("%s: the plan says %s, want %s", f.call, got, f.want)
	}
	c.exchange(t, call, answer)
}
