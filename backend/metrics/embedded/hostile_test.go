package embedded

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/heddle-mesh/heddle/backend/socket"
)

// serve answers scrapes on a socket with what write writes.
func serve(t *testing.T, write func(io.Writer)) (dial socket.Dial, scraped chan struct{}) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	scraped = make(chan struct{}, 10_000)
	var one sync.Mutex // an aborted scrape may still be answered when the next begins
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		one.Lock()
		defer one.Unlock()
		write(w)
		scraped <- struct{}{}
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket.At(path), scraped
}

func times(t *testing.T, scraped chan struct{}, n int) {
	t.Helper()
	for range n {
		select {
		case <-scraped:
		case <-time.After(30 * time.Second):
			t.Fatal("not scraped")
		}
	}
}

// until waits for a query to have an answer.
func until(t *testing.T, s *Server, q string) vector {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		if v := query(t, s, q); len(v.Data.Result) > 0 {
			return v
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no answer to %s", q)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A pod whose series have other labels each time must not fill the memory, nor
// cost others theirs.
func TestAPodThatKeepsChangingItsSeriesIsRefused(t *testing.T) {
	const budget = 8 << 20
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir, ScrapeInterval: 250 * time.Millisecond, PodBytes: budget})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	n := 0
	bad, asked := serve(t, func(w io.Writer) {
		fmt.Fprintln(w, "app_total 1")
		for range 1500 {
			n++
			fmt.Fprintf(w, "istio_requests_total{a=\"%[1]d\",b=\"%[1]d\",c=\"%[1]d\",d=\"%[1]d\"} 1\nup{a=\"%[1]d\"} 1\n", n)
		}
	})
	good := startPod(t)
	before := heap()
	targets := []Target{
		{Namespace: "shop", Pod: "evil", Dial: bad},
		{Namespace: "shop", Pod: "good", Dial: socket.At(good.socket), Path: "/stats/prometheus"},
	}
	if err := s.SetTargets(t.Context(), targets); err != nil {
		t.Fatal(err)
	}
	for i := 0; len(s.Refusals()) == 0 && i < 100; i++ {
		times(t, asked, 1) // on a slow machine some are too late
	}
	series := s.db.Head().NumSeries()
	if series > budget/700 {
		t.Errorf("%d series", series)
	}
	if grown := heap() - before; grown > 4*budget {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	times(t, asked, 12)
	if after := s.db.Head().NumSeries(); after > series+20 {
		t.Errorf("it goes on: from %d to %d series", series, after)
	}
	until(t, s, `up{pod="evil",exported_job="",a=""} == 0`)
	until(t, s, `up{pod="good"} == 1 and on(pod) istio_requests_total`)
	until(t, s, `count_over_time(istio_requests_total{pod="good"}[1m]) > 5`)
	refusals := s.Refusals()
	if len(refusals) != 1 || refusals[0].Pod != "evil" || refusals[0].Namespace != "shop" || !strings.Contains(refusals[0].Message, "shop/evil") {
		t.Errorf("refusals: %+v", refusals)
	}

	// What was admitted stays counted over a restart, and a pod that mends its
	// ways is taken again.
	held := s.budget.held[owner{"shop", "evil", job, "evil"}].bytes
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(Options{Dir: dir, ScrapeInterval: 250 * time.Millisecond, PodBytes: budget})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got := again.budget.held[owner{"shop", "evil", job, "evil"}].bytes; got < held/2 || got > held {
		t.Errorf("%d bytes after a restart, %d before", got, held)
	}
	now, _ := serve(t, func(w io.Writer) { fmt.Fprintln(w, "app_total 1") })
	targets[0].Dial = now
	if err := again.SetTargets(t.Context(), targets); err != nil {
		t.Fatal(err)
	}
	until(t, again, `up{pod="evil"} == 1`)
}

// made is a series of a pod.
func made(pod string, n int) labels.Labels {
	return labels.FromStrings("__name__", "m", "namespace", "n", "pod", pod, "job", job, "instance", pod, "n", fmt.Sprintf("%06d", n))
}

// fill makes series for a pod until they are refused.
func fill(b *budget, pod string) (n int) {
	for ; n < 1000 && b.PreCreation(made(pod, n)) == nil; n++ {
		b.PostCreation(made(pod, n))
	}
	return n
}

func TestRoomIsSharedFairly(t *testing.T) {
	each := costOf(made("a", 0))
	b := newBudget(40*each, 100*each)
	b.opened()
	targets := map[owner]int{}
	for i := range 5 {
		targets[ownerOf(made(strconv.Itoa(i), 0))] = 4
	}
	b.setTargets(targets)
	// 50 are for all, 10 set aside for each.
	for i, want := range []int{40, 30, 10, 10, 10} {
		if got := fill(b, strconv.Itoa(i)); got != want {
			t.Errorf("pod %d has room for %d series, want %d", i, got, want)
		}
	}
	if b.sum != 100*each {
		t.Errorf("%d bytes in all, want %d", b.sum, 100*each)
	}
	if got := fill(b, "gone"); got != 0 {
		t.Errorf("who is no target has room for %d", got)
	}
	// Their scrapes are told of nevertheless.
	if err := b.PreCreation(labels.FromStrings("__name__", "up", "namespace", "n", "pod", "0", "job", job, "instance", "0")); err != nil {
		t.Error(err)
	}
	if err := b.PreCreation(labels.FromStrings("__name__", "up", "namespace", "n", "pod", "0", "job", job, "instance", "0", "a", "1")); err == nil {
		t.Error("the pod's own series of that name is exempt")
	}
	if got := len(b.refusals()); got != 5 {
		t.Errorf("%d refusals", got)
	}
	gone := map[chunks.HeadSeriesRef]labels.Labels{}
	for i := range 40 {
		gone[chunks.HeadSeriesRef(i)] = made("0", i)
	}
	b.PostDeletion(gone)
	if got := fill(b, "0"); got != 40 {
		t.Errorf("after its series went, room for %d", got)
	}
	late := b.now().Add(2 * refusalLasts)
	b.now = func() time.Time { return late }
	if got := b.refusals(); len(got) != 0 {
		t.Errorf("refusals that are long past: %v", got)
	}
	b.PostDeletion(gone)
	b.setTargets(nil)
	if _, ok := b.held[ownerOf(made("0", 0))]; ok {
		t.Error("who is gone with all series is still remembered")
	}
}

// A pod must not tell of traffic that it cannot have seen.
func TestOnlyOwnTrafficIsBelieved(t *testing.T) {
	reviews := Workload{
		Name: "reviews-v1", Namespace: "shop", Cluster: "local", App: "reviews", Version: "v1", CanonicalService: "reviews", CanonicalRevision: "v1",
	}
	own := func(side string) string {
		return fmt.Sprintf(`%[1]s_workload="reviews-v1",%[1]s_workload_namespace="shop",%[1]s_cluster="local",%[1]s_app="reviews",`+
			`%[1]s_version="v1",%[1]s_canonical_service="reviews",%[1]s_canonical_revision="v1"`, side)
	}
	others := strings.NewReplacer("reviews", "details").Replace
	kept := []string{
		`istio_requests_total{reporter="source",` + own("source") + `,` + others(own("destination")) + `,k="1"}`,
		`istio_requests_total{reporter="destination",` + own("destination") + `,` + others(own("source")) + `,k="2"}`,
		`istio_requests_total{reporter="destination",` + own("destination") + `,source_workload="unknown",k="3"}`,
		`istio_requests_total{reporter="source",source_workload="reviews-v1",source_workload_namespace="shop",k="4"}`,
		`istio_tcp_sent_bytes_total{reporter="source",` + own("source") + `,destination_workload="unknown",k="5"}`,
		`heddle_plaintext_requests_total{source_address="10.0.0.1",` + own("destination") + `,k="6"}`,
		`app_requests_total{reporter="x",source_workload="whatever",k="7"}`,
		`istio_agent_things{k="8"}`,
	}
	forged := []string{
		`istio_requests_total{reporter="source",` + others(own("source")) + `,` + own("destination") + `,k="f1"}`,
		`istio_requests_total{reporter="destination",` + own("source") + `,` + others(own("destination")) + `,k="f2"}`,
		`istio_requests_total{` + own("source") + `,` + own("destination") + `,k="f3"}`,
		`istio_requests_total{reporter="waypoint",` + own("source") + `,` + own("destination") + `,k="f4"}`,
		`istio_requests_total{reporter="source",source_workload="unknown",source_workload_namespace="unknown",k="f5"}`,
		`istio_requests_total{reporter="source",k="f6"}`,
		`istio_requests_total{reporter="source",source_workload="reviews-v1",source_workload_namespace="other",k="f7"}`,
		`istio_requests_total{reporter="source",source_workload="reviews-v1",source_workload_namespace="shop",source_canonical_service="details",k="f8"}`,
		`istio_tcp_connections_opened_total{reporter="destination",` + others(own("destination")) + `,k="f9"}`,
		`istio_request_duration_milliseconds_bucket{reporter="source",` + others(own("source")) + `,le="1",k="fa"}`,
		`heddle_plaintext_requests_total{source_address="10.0.0.1",` + others(own("destination")) + `,k="fb"}`,
		`{"istio_requests_total",reporter="source",` + others(own("source")) + `,k="fc"}`,
	}
	dial, asked := serve(t, func(w io.Writer) {
		for _, line := range append(kept, forged...) {
			fmt.Fprintln(w, line+" 1")
		}
	})
	s := open(t, t.TempDir())
	if err := s.SetTargets(t.Context(), []Target{{Namespace: "shop", Pod: "p", Dial: dial, Workload: &reviews}}); err != nil {
		t.Fatal(err)
	}
	times(t, asked, 3)
	until(t, s, `up == 1`)
	got := map[string]bool{}
	for _, r := range until(t, s, `{k!=""}`).Data.Result {
		got[r.Metric["k"]] = true
	}
	for i := range kept {
		if !got[strconv.Itoa(i+1)] {
			t.Errorf("not kept: %s", kept[i])
		}
	}
	for k := range got {
		if strings.HasPrefix(k, "f") {
			t.Errorf("kept: %s", k)
		}
	}
	families, err := s.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "heddle_metrics_dropped_total" {
			m := f.GetMetric()[0]
			if n := m.GetCounter().GetValue(); m.GetLabel()[0].GetValue() != "forged" || n < float64(len(forged)) {
				t.Errorf("counted: %v", m)
			}
			return
		}
	}
	t.Error("nothing is counted")
}
