package translate

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	statsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stats/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

var reviews = mesh.WorkloadFacts{
	Workload: "reviews-v1", Namespace: "default", Cluster: "local", App: "reviews", Version: "v1",
	Canonical: "reviews", Revision: "v1", ServiceAccount: "bookinfo-reviews",
}

// The table of labels, as testdata/labels.txt tells it: for each metric and
// vantage, where each label comes from.
func TestLabels(t *testing.T) {
	var b strings.Builder
	for _, kind := range []string{"HTTP", "TCP"} {
		for _, from := range []struct {
			name string
			v    vantage
		}{{"calling", calling}, {"called by mutual TLS", calledMutual}, {"called in plaintext", calledPlaintext}} {
			fmt.Fprintf(&b, "%s, %s\n", kind, from.name)
			for _, l := range resolve(from.v, reviews, kind == "TCP") {
				how := l.constant
				if how == "" {
					how = l.value.format
					for _, c := range l.value.choose {
						how += fmt.Sprintf(", %s… is %s", c.prefix, c.value)
					}
					if l.value.missing == "" {
						how += ", or no label"
					} else {
						how += ", or " + l.value.missing
					}
				}
				fmt.Fprintf(&b, "  %-31s %s\n", l.name, how)
			}
		}
	}
	const golden = "testdata/labels.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("-want +got, -update rewrites:\n%s", diff)
	}
}

func TestLoggersAreValidAndNamedAsIstio(t *testing.T) {
	podRange := cidr("10.66.0.0/16")
	own := &mesh.Service{Host: "gateway.istio-system.svc.cluster.local", Name: "gateway", Namespace: "istio-system"}
	var names []string
	for _, loggers := range [][]*accesslogv3.AccessLog{
		httpLoggers(calling, reviews), tcpLoggers(calledMutual, reviews), {plaintextLogger(calling, reviews, own, podRange)},
	} {
		for _, l := range loggers {
			if err := xds.Validate(l); err != nil {
				t.Error(err)
			}
			config := &statsv3.Config{}
			if l.GetTypedConfig().UnmarshalTo(config) != nil {
				continue
			}
			if config.StatsScope.SharingName == "" || !config.StatsScope.EnableEviction {
				t.Errorf("the scope of %v would forget, or never end", config.StatsScope.Prefix)
			}
			for _, c := range config.Counters {
				names = append(names, config.StatsScope.Prefix+"_"+c.Stat.Name)
			}
			for _, h := range config.Histograms {
				names = append(names, config.StatsScope.Prefix+"_"+h.Stat.Name)
			}
		}
	}
	want := []string{
		"istio_requests_total", "istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes",
		"istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total", "heddle_plaintext_requests_total",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// A fact that holds a command of Envoy's formatter stays text.
func TestFactsAreNotExpanded(t *testing.T) {
	for _, tag := range statTags(resolve(calling, mesh.WorkloadFacts{Workload: "100%REQ(x)%"}, false)) {
		if tag.Name == "source_workload" && tag.ValueFormat != "100%%REQ(x)%%" {
			t.Errorf("the format is %q", tag.ValueFormat)
		}
	}
}

// Only a Subject that holds all seven attributes, in order, of plain words says
// anything; the expressions are RE2, as Go's.
func TestPeerFacts(t *testing.T) {
	const good = "CN=reviews-v1,O=reviews,OU=v1,L=rev.iews,ST=latest,street=local,serialNumber=0a1b-2c"
	want := map[string]string{
		"workload": "reviews-v1", "app": "reviews", "version": "v1", "canonical_name": "rev.iews",
		"canonical_revision": "latest", "cluster": "local", "namespace": "default",
	}
	extract := func(f peerFact, text string) string {
		inner := regexp.MustCompile(`'(\^.*\$)'`).FindStringSubmatch(f.expression())
		m := regexp.MustCompile(inner[1]).FindStringSubmatch(text)
		if m == nil {
			return ""
		}
		return m[1]
	}
	for _, f := range peerFacts {
		if f.source == uri {
			if got := extract(f, "spiffe://cluster.local/ns/default/sa/bookinfo-reviews"); got != want[f.name] {
				t.Errorf("%s is %q", f.name, got)
			}
			for _, forged := range []string{"spiffe://cluster.local/ns/default/sa/a/b", "x,spiffe://cluster.local/ns/a/sa/b", "spiffe://cluster.local/ns/a/ns/b/sa/c", ""} {
				if got := extract(f, forged); got != "" {
					t.Errorf("%s of %q is %q", f.name, forged, got)
				}
			}
			continue
		}
		if got := extract(f, good); got != want[f.name] {
			t.Errorf("%s is %q", f.name, got)
		}
		for _, forged := range []string{
			"", "CN=reviews-v1", "x" + good, good + ",CN=admin",
			strings.Replace(good, "CN=reviews-v1", `CN=a\,O=admin`, 1),
			strings.Replace(good, "O=reviews,", "", 1),
			strings.Replace(good, "L=rev.iews", "L=rev iews", 1),
			"O=reviews,CN=reviews-v1,OU=v1,L=rev.iews,ST=latest,street=local,serialNumber=0a1b-2c",
		} {
			if got := extract(f, forged); got != "" {
				t.Errorf("%s of %q is %q", f.name, forged, got)
			}
		}
	}
}
