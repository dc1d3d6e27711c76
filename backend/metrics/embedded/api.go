package embedded

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/notifications"
	apiv1 "github.com/prometheus/prometheus/web/api/v1"
)

// version is what /api/v1/status/buildinfo tells, which clients use to choose
// features: that of the library.
const version = "3.15.0"

const prefix = "/api/v1"

// refused are the parts of the API that write, administer, or hold a
// connection open for nothing (there are no notifications).
var refused = []string{"/admin/", "/write", "/otlp/", "/notifications/live"}

// Bounds of questions: how many are answered at a time, the others waiting, how
// many of these may come from outside, and how long each may take with that. What
// one may hold in memory is the engine's bound.
const (
	maxQuestions = 16
	maxOutside   = 4
	answerWithin = 30 * time.Second
)

// api wires the library's own API handlers. The long call is why the version
// of the library is pinned: its parameters change between versions.
func (s *Server) api(o Options, cfg *config.Config, engine *promql.Engine, p parser.Parser) http.Handler {
	started := time.Now()
	host := url.URL{Scheme: "http", Host: "localhost"}
	api := apiv1.NewAPI(
		engine, s.db, nil, nil, noExemplars{},
		func(context.Context) apiv1.ScrapePoolsRetriever { return s.scraper },
		func(context.Context) apiv1.TargetRetriever { return s.scraper },
		func(context.Context) apiv1.AlertmanagerRetriever { return noAlertmanagers{} },
		func() config.Config { return *cfg },
		map[string]string{},
		apiv1.GlobalURLOptions{ListenAddress: host.Host, Host: host.Host, Scheme: host.Scheme},
		func(f http.HandlerFunc) http.HandlerFunc { return f },
		adminStats{s.db}, o.Dir,
		false,      // administration
		true, 1000, // search, with at most so many results
		o.Log,
		func(context.Context) apiv1.RulesRetriever { return noRules{} },
		1_000_000, 4, 1<<20, // remote read: samples, at a time, bytes in a frame
		false, nil,
		func() (apiv1.RuntimeInfo, error) {
			// Since when it runs and how long it remembers is for everybody; where it
			// stands, and what the machine is like, is for nobody.
			return apiv1.RuntimeInfo{StartTime: started, ServerTime: time.Now(), StorageRetention: o.Retention.String()}, nil
		},
		&apiv1.PrometheusVersion{Version: version},
		func() []notifications.Notification { return nil },
		func() (<-chan notifications.Notification, func(), bool) { return nil, func() {}, false },
		s.gather, s.gather, nil,
		false, nil, // remote write
		false, false, false, // OTLP
		false, 5*time.Minute, false, false, nil, nil,
		apiv1.OpenAPIOptions{ExternalURL: host.String(), Version: version},
		p,
	)
	router := route.New()
	api.Register(router.WithPrefix(prefix))
	return inTurn(maxQuestions, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, prefix)
		for _, path := range refused {
			ok = ok && !strings.HasPrefix(rest, path)
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		router.ServeHTTP(w, r)
	}))
}

// outside has a handler answer questions from outside, which leave most of its
// turns to the program's own.
func outside(h http.Handler) http.Handler { return inTurn(maxOutside, h) }

// inTurn has a handler answer so many requests at a time.
func inTurn(limit int, h http.Handler) http.Handler {
	turns := make(chan struct{}, limit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			h.ServeHTTP(w, r.WithContext(ctx))
		case <-ctx.Done():
			http.Error(w, "too many questions at a time: ask again later", http.StatusServiceUnavailable)
		}
	})
}

// adminStats gives the API what it shows of the database.
type adminStats struct{ *tsdb.DB }

func (a adminStats) Stats(label string, limit int) (*tsdb.Stats, error) {
	return a.Head().Stats(label, limit), nil
}

// WALReplayStatus is always "done": Open returns only after the replay.
func (adminStats) WALReplayStatus() (tsdb.WALReplayStatus, error) { return tsdb.WALReplayStatus{}, nil }

func (a adminStats) BlockMetas() ([]tsdb.BlockMeta, error) { return a.DB.BlockMetas(), nil }

type noAlertmanagers struct{}

func (noAlertmanagers) Alertmanagers() []*url.URL        { return nil }
func (noAlertmanagers) DroppedAlertmanagers() []*url.URL { return nil }

type noRules struct{}

func (noRules) RuleGroups() []*rules.Group           { return nil }
func (noRules) AlertingRules() []*rules.AlertingRule { return nil }

type noExemplars struct{}

func (noExemplars) ExemplarQuerier(context.Context) (storage.ExemplarQuerier, error) {
	return nil, errors.New("exemplars are not stored")
}
