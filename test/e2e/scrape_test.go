package e2e

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"

	// The kind of discovery under test registers itself.
	_ "github.com/prometheus/prometheus/discovery/http"
)

// anotherPrometheus finds the pods by http_sd as a user's own server does, with
// the scrape token and nothing else, and sees the same series.
func anotherPrometheus(t *testing.T, m Mesh, pods map[string]Pod) {
	local := m.(*localMesh)
	token, err := os.ReadFile(filepath.Join(local.state, "scrape-token"))
	if err != nil {
		t.Fatal(err)
	}
	console := local.console
	for _, path := range []string{"/metrics/targets", "/metrics/pods/" + pods["stall"].Namespace + "/" + pods["stall"].Name} {
		resp, err := http.Get(console + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET %s without a token: %s", path, resp.Status)
		}
	}
	db := scraping(t, fmt.Sprintf(`
scrape_configs:
- job_name: mesh
  scrape_interval: 1s
  scrape_timeout: 1s
  authorization: {credentials: %[2]q}
  http_sd_configs:
  - url: %[1]s/metrics/targets
    refresh_interval: 1s
    authorization: {credentials: %[2]q}
`, console, strings.TrimSpace(string(token))))

	selector := fmt.Sprintf(`{__name__=~"istio_.+",pod=~"%s|%s"}`, pods["caller"].Name, pods["stall"].Name)
	took := Eventually(t, 15*time.Second, "the same series in another Prometheus", func() error {
		want, err := query(t.Context(), m, selector)
		if err != nil {
			return err
		}
		got, err := latest(t, db, "pod", pods["caller"].Name+"|"+pods["stall"].Name)
		if err != nil {
			return err
		}
		if len(want) == 0 || len(want) != len(got) {
			return fmt.Errorf("%d series here, %d there", len(want), len(got))
		}
		if diff := cmp.Diff(byMetric(want), byMetric(got)); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	t.Logf("the same series after %v", took)
	up, err := latest(t, db, model.MetricNameLabel, "up")
	if err != nil {
		t.Fatal(err)
	}
	instances := map[model.LabelValue]bool{}
	for _, s := range up {
		instances[s.Metric["instance"]] = true
		if s.Metric["pod"] == "" || s.Metric["namespace"] == "" {
			t.Errorf("a target without pod or namespace: %v", s.Metric)
		}
	}
	if len(instances) != len(up) {
		t.Errorf("%d targets share %d names of instances", len(up), len(instances))
	}
}

// scraping runs Prometheus' discovery and scraper on a configuration.
func scraping(t *testing.T, text string) *tsdb.DB {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	cfg, err := config.Load(text, log)
	if err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.Open(t.TempDir(), log, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	found, err := discovery.CreateAndRegisterSDMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	finder := discovery.NewManager(t.Context(), log, registry, found, discovery.Updatert(100*time.Millisecond))
	scraper, err := scrape.NewManager(&scrape.Options{DiscoveryReloadInterval: model.Duration(100 * time.Millisecond)}, log, nil, db, nil, registry)
	if err != nil {
		t.Fatal(err)
	}
	scrapes, err := cfg.GetScrapeConfigs()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]discovery.Configs{}
	for _, c := range scrapes {
		kinds[c.JobName] = c.ServiceDiscoveryConfigs
	}
	if err := errors.Join(scraper.ApplyConfig(cfg), finder.ApplyConfig(kinds)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}, 2)
	go func() { _ = finder.Run(); ended <- struct{}{} }()
	go func() { _ = scraper.Run(finder.SyncCh()); ended <- struct{}{} }()
	t.Cleanup(func() {
		scraper.Stop()
		<-ended
		<-ended
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// latest reads the newest sample of each series whose label matches; that of
// the mesh's own metrics where the label is not the metric's name.
func latest(t *testing.T, db *tsdb.DB, label, value string) (model.Vector, error) {
	t.Helper()
	now := time.Now()
	q, err := db.Querier(now.Add(-10*time.Second).UnixMilli(), now.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer q.Close()
	matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, label, value)}
	if label != model.MetricNameLabel {
		matchers = append(matchers, labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, "istio_.+"))
	}
	var out model.Vector
	set := q.Select(t.Context(), true, nil, matchers...)
	for set.Next() {
		series := set.At()
		s := &model.Sample{Metric: model.Metric{}}
		series.Labels().Range(func(l labels.Label) { s.Metric[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		it := series.Iterator(nil)
		for it.Next() != 0 {
			at, v := it.At()
			s.Timestamp, s.Value = model.Time(at), model.SampleValue(v)
		}
		out = append(out, s)
	}
	return out, set.Err()
}
