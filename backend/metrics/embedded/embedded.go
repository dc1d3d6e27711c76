// Package embedded is the built-in Prometheus: time series database, scraper
// and query engine of the Prometheus library behind its standard API v1.
//
// It is bounded in age and size, keeps its data over restarts, and is told
// whom to scrape; it discovers nothing itself.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	configutil "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

// Options of a Server. Zero values stand for the defaults given.
type Options struct {
	// Dir is where the data lies; made when it does not exist. Required.
	Dir string
	// Retention is the age after which samples go: 6 h.
	Retention time.Duration
	// MaxBytes bounds the blocks on disk: 512 MB. The write-ahead log comes on
	// top, for the newest half hour to hour.
	MaxBytes int64
	// ScrapeInterval is also the time-out of a scrape: 2 s.
	ScrapeInterval time.Duration
	// PodBytes bounds the memory that the series of one pod may take, and with it
	// what one scrape may bring: DefaultPodBytes.
	PodBytes int64
	// TotalBytes bounds the memory that all series may take: four times PodBytes.
	TotalBytes int64
	// Log hears what goes wrong; nil is silence.
	Log *slog.Logger

	leastSamples int64 // what every scrape may bring, however little PodBytes is; fewer in tests
}

// Bounds of one scrape: a pod that exposes more is not stored at all. What a pod
// may have in all, it may bring at once; a line of text is shorter than what its
// series counts.
func (o Options) maxSamples() int64   { return max(o.leastSamples, o.PodBytes/(SeriesBytes/2)) }
func (o Options) maxBodyBytes() int64 { return max(32<<20, o.PodBytes/6) }

// leastSamples is what any pod may bring in one scrape: a proxy in a mesh of
// some hundred services, with all that it calls.
const leastSamples = 50_000

// blockRange is the span of the newest block. Shorter than Prometheus' own two
// hours, because what has not become a block yet is held in memory.
const blockRange = 30 * time.Minute

// job is the scrape configuration that all targets belong to; the label job of
// a Target overrides its name.
const job = "mesh"

// Server is a running embedded Prometheus.
type Server struct {
	db      *tsdb.DB
	scraper *scrape.Manager
	targets chan map[string][]*targetgroup.Group
	gather  *prometheus.Registry
	handler http.Handler // for the program's own questions
	outside http.Handler
	stopped chan struct{} // closed when the scraper's loop has returned

	known   atomic.Pointer[known]
	options Options
	budget  *budget

	mu     sync.Mutex
	closed bool
}

// known are the targets, by the host that stands for each.
type known map[string]Target

// Open starts a Server on the data in o.Dir, repairing and replaying what a
// crash left. Nothing is scraped before SetTargets.
func Open(o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, errors.New("embedded prometheus: no data folder given")
	}
	if o.Retention <= 0 {
		o.Retention = 6 * time.Hour
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 512 << 20
	}
	if o.ScrapeInterval <= 0 {
		o.ScrapeInterval = 2 * time.Second
	}
	if o.PodBytes <= 0 {
		o.PodBytes = DefaultPodBytes
	}
	if o.TotalBytes <= 0 {
		o.TotalBytes = totalShares * o.PodBytes
	}
	if o.leastSamples <= 0 {
		o.leastSamples = leastSamples
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the metrics folder: %w", err)
	}
	cfg, err := scrapeConfig(o)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	budget := newBudget(uint64(o.PodBytes), uint64(o.TotalBytes))
	storing := storageOptions(o)
	storing.SeriesLifecycleCallback = budget
	db, err := tsdb.Open(o.Dir, o.Log, registry, storing, tsdb.NewDBStats())
	if err != nil {
		return nil, fmt.Errorf("open the metrics in %s: %w", o.Dir, err)
	}
	budget.opened()
	dropped := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "heddle_metrics_dropped_total", Help: "Samples that were not stored, by the reason why.",
	}, []string{"reason"})
	registry.MustRegister(dropped)
	s := &Server{
		db: db, gather: registry, options: o, budget: budget,
		targets: make(chan map[string][]*targetgroup.Group),
		stopped: make(chan struct{}),
	}
	scraper, err := scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval:  model.Duration(500 * time.Millisecond),
		DiscoveryReloadOnStartup: true,
		HTTPClientOptions:        []configutil.HTTPClientOption{configutil.WithDialContextFunc(s.dial)},
		PassMetadataInContext:    true, // whose scrape it is
	}, o.Log, nil, doubting{db, s.workload, dropped.WithLabelValues("forged")}, nil, registry)
	if err == nil {
		err = scraper.ApplyConfig(cfg)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up scraping: %w", err), db.Close())
	}
	s.scraper = scraper
	p := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: o.Log, Reg: registry, Parser: p,
		MaxSamples: 5_000_000, Timeout: answerWithin,
		EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return o.ScrapeInterval.Milliseconds() },
	})
	s.handler = s.api(o, cfg, engine, p)
	s.outside = outside(s.handler)
	go func() {
		defer close(s.stopped)
		if err := scraper.Run(s.targets); err != nil {
			o.Log.Error("scraping ended", "error", err)
		}
	}()
	return s, nil
}

// storageOptions are chosen for tens of pods on a machine that has better
// things to do: small tables, short head.
func storageOptions(o Options) *tsdb.Options {
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = o.Retention.Milliseconds()
	opts.MaxBytes = o.MaxBytes
	opts.MinBlockDuration = blockRange.Milliseconds()
	opts.MaxBlockDuration = max(opts.MinBlockDuration, o.Retention.Milliseconds()/6)
	opts.StripeSize = 1 << 10
	opts.WALSegmentSize = 16 << 20
	opts.WALCompression = compression.Snappy
	opts.HeadChunksWriteBufferSize = 256 << 10
	return opts
}

// scrapeConfig goes through Prometheus' own text form, which fills in the
// defaults and validates. A target says nothing about others: its labels give
// way to those that we put on, a redirect would lead to another target, and a
// time of its own would move that of the database.
func scrapeConfig(o Options) (*config.Config, error) {
	interval := model.Duration(o.ScrapeInterval)
	cfg, err := config.Load(fmt.Sprintf(`
global:
  scrape_interval: %[1]s
  scrape_timeout: %[1]s
scrape_configs:
- job_name: %[2]s
  follow_redirects: false
  honor_timestamps: false
  enable_http2: false
  sample_limit: %[3]d
  body_size_limit: %[4]dB
  label_limit: 48
  label_name_length_limit: 256
  label_value_length_limit: 1024
`, interval, job, o.maxSamples(), o.maxBodyBytes()), o.Log)
	if err != nil {
		return nil, fmt.Errorf("scrape interval %s: %w", interval, err)
	}
	return cfg, nil
}

// Handler serves Prometheus' API v1 under /api/v1/, without the parts that
// change or administer anything. It is for the program's own questions.
func (s *Server) Handler() http.Handler { return s.handler }

// Outside is the same API for questions of others: however many they ask, and
// however expensive that is, they take few of the turns.
func (s *Server) Outside() http.Handler { return s.outside }

// Metrics are those of the database and the scraper themselves.
func (s *Server) Metrics() prometheus.Gatherer { return s.gather }

// Close ends scraping and closes the database. It can be called again.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.scraper.Stop()
	<-s.stopped
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the metrics: %w", err)
	}
	return nil
}

// SetTargets replaces the list of what is scraped. Targets that were there
// before go on undisturbed; those that are gone are marked stale. It returns
// when the list is taken, or with the cause of ctx.
func (s *Server) SetTargets(ctx context.Context, list []Target) error {
	sets, all, owners := make([]model.LabelSet, 0, len(list)), known{}, map[owner]int{}
	for _, t := range list {
		set, err := t.labelSet()
		if err != nil {
			return err
		}
		if _, twice := all[t.host()]; twice {
			return fmt.Errorf("scrape target %q stands twice in the list", set[model.InstanceLabel])
		}
		sets, all[t.host()] = append(sets, set), t
		owners[t.owner()] = t.labelCount(set)
	}
	s.known.Store(&all)
	s.budget.setTargets(owners)
	groups := map[string][]*targetgroup.Group{job: {{Source: "mesh", Targets: sets}}}
	select {
	case s.targets <- groups:
		return nil
	case <-s.stopped:
		return errors.New("embedded prometheus: closed")
	case <-ctx.Done():
		return fmt.Errorf("hand over scrape targets: %w", context.Cause(ctx))
	}
}

// dial connects the scraper to the target that a host stands for.
func (s *Server) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	t, ok := s.target(host)
	if !ok {
		return nil, fmt.Errorf("scrape target %s is gone", host)
	}
	c, err := t.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return relayed(c, s.options.maxBodyBytes()), nil
}

// target finds a target by its host.
func (s *Server) target(host string) (Target, bool) {
	all := s.known.Load()
	if all == nil {
		return Target{}, false
	}
	t, ok := (*all)[host]
	return t, ok
}

// workload is that of a target; one that is gone is nobody's.
func (s *Server) workload(host string) *Workload {
	if t, ok := s.target(host); ok {
		return t.Workload
	}
	return &Workload{}
}

// Refusals are the targets whose metrics are not stored at this time because
// they made too many series, or bring too much at once.
func (s *Server) Refusals() []Refusal {
	list := s.budget.refusals()
	for _, t := range s.scraper.TargetsActive()[job] {
		if err := t.LastError(); err != nil && tooMuch(err) {
			o := ownerOf(t.Labels(labels.NewBuilder(labels.EmptyLabels())))
			list = append(list, Refusal{Namespace: o.namespace, Pod: o.pod, Message: fmt.Sprintf(
				"metrics of %s are not stored: one scrape of it brings more than %d series, or %d MiB of text", o, s.options.maxSamples(), s.options.maxBodyBytes()>>20)})
		}
	}
	return list
}

// tooMuch reports whether a scrape was refused for its size. The library has no
// other name for these than their words.
func tooMuch(err error) bool {
	return strings.Contains(err.Error(), "sample limit exceeded") || strings.Contains(err.Error(), "body size limit exceeded")
}
