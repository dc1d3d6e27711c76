// Package traffic makes requests to the book shop as its visitors would: an
// open loop at a steady rate, so that a slow answer does not slow the visitors
// down.
package traffic

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxUnderWay bounds the requests that wait for an answer at one time. What
// would go beyond it is counted as dropped.
const maxUnderWay = 500

// Config configures a Generator.
type Config struct {
	Target string  // base URL: "http://ingressgateway"
	Rate   float64 // requests per second
	Client *http.Client
	Log    *slog.Logger
	// Rand chooses among the mix; nil chooses from a random seed.
	Rand *rand.Rand
}

// visit is a kind of request, as often as its weight among all weights.
type visit struct {
	name   string // label of its counter
	weight int
	path   string
	user   string // signed in, by session cookie
	agent  string
}

const (
	chrome  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
	android = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)

// mix is who comes and what they ask for. Nearly every visit leads to one call
// of reviews, so that rates can be compared along the way.
var mix = []visit{
	{"page", 40, "/productpage", "", chrome},
	{"page", 20, "/productpage", "", firefox},
	{"page", 10, "/productpage", "", android},
	{"page", 10, "/productpage", "jason", firefox},
	{"page", 8, "/productpage", "alice", chrome},
	{"page", 6, "/productpage", "bob", android},
	{"api", 4, "/api/v1/products/0/reviews", "", "bookinfo-app/2.3"},
	{"api", 1, "/api/v1/products", "", "bookinfo-app/2.3"},
	{"static", 1, "/static/bookinfo.css", "", chrome},
}

// key is what is counted apart.
type key struct{ visit, user, code string }

// Generator makes requests until its context ends.
type Generator struct {
	cfg   Config
	total int // of the weights

	mu      sync.Mutex
	counts  map[key]uint64
	dropped uint64
}

// New checks the configuration.
func New(cfg Config) (*Generator, error) {
	if cfg.Rate <= 0 || cfg.Rate > 10000 {
		return nil, fmt.Errorf("rate %v is not between 0 and 10000 requests per second: set RATE", cfg.Rate)
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	g := &Generator{cfg: cfg, counts: map[key]uint64{}}
	for _, v := range mix {
		g.total += v.weight
	}
	return g, nil
}

// Run makes requests until ctx ends, and logs a summary every ten seconds.
func (g *Generator) Run(ctx context.Context) {
	const summary = 10 * time.Second
	interval := time.Duration(float64(time.Second) / g.cfg.Rate)
	slots := make(chan struct{}, maxUnderWay)
	var running sync.WaitGroup
	defer running.Wait()
	report := time.NewTicker(summary)
	defer report.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	due := time.Now()
	before := g.snapshot()
	for {
		select {
		case <-ctx.Done():
			return
		case <-report.C:
			now := g.snapshot()
			g.cfg.Log.Info("requests made", g.difference(before, now, summary)...)
			before = now
		case <-next.C:
			v := g.choose()
			select {
			case slots <- struct{}{}:
				running.Go(func() {
					defer func() { <-slots }()
					g.request(ctx, v)
				})
			default:
				g.mu.Lock()
				g.dropped++
				g.mu.Unlock()
			}
			// Reckoned from when it was due, so that the rate holds; what was
			// missed while the machine slept is not made up for.
			due = due.Add(interval)
			if late := time.Since(due); late > time.Second {
				due = time.Now()
			}
			next.Reset(time.Until(due))
		}
	}
}

// choose draws a visit by weight.
func (g *Generator) choose() visit {
	n := g.cfg.Rand.IntN(g.total)
	for _, v := range mix {
		if n -= v.weight; n < 0 {
			return v
		}
	}
	return mix[0] // not reached: the weights add up to total
}

func (g *Generator) request(running context.Context, v visit) {
	ctx, cancel := context.WithTimeout(running, 30*time.Second)
	defer cancel()
	code := "error"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(g.cfg.Target, "/")+v.path, nil)
	if err == nil {
		req.Header.Set("User-Agent", v.agent)
		if v.user != "" {
			req.AddCookie(&http.Cookie{Name: "session", Value: v.user})
		}
		var resp *http.Response
		if resp, err = g.cfg.Client.Do(req); err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
			resp.Body.Close()
			if err == nil {
				code = fmt.Sprint(resp.StatusCode)
			}
		}
	}
	if running.Err() != nil {
		return // the generator stops; this tells nothing about the shop
	}
	if err != nil {
		g.cfg.Log.Debug("request failed", "path", v.path, "error", err)
	}
	g.mu.Lock()
	g.counts[key{v.name, v.user, code}]++
	g.mu.Unlock()
}

func (g *Generator) snapshot() map[key]uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.counts)
}

// difference is the log line of what happened between two snapshots.
func (g *Generator) difference(before, now map[key]uint64, d time.Duration) []any {
	byCode := map[string]uint64{}
	var all uint64
	for k, n := range now {
		byCode[k.code] += n - before[k]
		all += n - before[k]
	}
	line := []any{"rate", fmt.Sprintf("%.1f/s", float64(all)/d.Seconds())}
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		line = append(line, code, byCode[code])
	}
	return line
}

// ServeHTTP answers /metrics with the counts in Prometheus' text format, and
// /health.
func (g *Generator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/health":
		fmt.Fprintln(w, "ok")
	case "/metrics":
		g.mu.Lock()
		counts, dropped := maps.Clone(g.counts), g.dropped
		g.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprintln(w, "# HELP traffic_requests_total Requests made, by kind of visit, user and status; code \"error\" is no answer.")
		fmt.Fprintln(w, "# TYPE traffic_requests_total counter")
		for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b key) int {
			return strings.Compare(a.visit+"\x00"+a.user+"\x00"+a.code, b.visit+"\x00"+b.user+"\x00"+b.code)
		}) {
			fmt.Fprintf(w, "traffic_requests_total{visit=%q,user=%q,code=%q} %d\n", k.visit, k.user, k.code, counts[k])
		}
		fmt.Fprintln(w, "# HELP traffic_dropped_total Requests not made because too many were waiting for an answer.")
		fmt.Fprintln(w, "# TYPE traffic_dropped_total counter")
		fmt.Fprintf(w, "traffic_dropped_total %d\n", dropped)
	default:
		http.NotFound(w, r)
	}
}
