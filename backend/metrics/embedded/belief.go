package embedded

import (
	"context"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
)

// Workload is what the labels of traffic say of a target's own workload.
type Workload struct {
	Name, Namespace, Cluster            string
	App, Version                        string
	CanonicalService, CanonicalRevision string
}

// unknown stands in the labels for what nobody could fill in.
const unknown = "unknown"

// labels are the workload's under the labels of one side of a call.
func (w Workload) labels(side string) [7][2]string {
	return [...][2]string{
		{side + "_workload", w.Name},
		{side + "_workload_namespace", w.Namespace},
		{side + "_cluster", w.Cluster},
		{side + "_app", w.App},
		{side + "_version", w.Version},
		{side + "_canonical_service", w.CanonicalService},
		{side + "_canonical_revision", w.CanonicalRevision},
	}
}

// traffic reports whether series of this name tell who talks to whom.
func traffic(name string) bool {
	for _, prefix := range []string{"istio_request", "istio_response", "istio_tcp_", "heddle_plaintext_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// believable reports whether a workload can have seen what a series says: its
// own calls as their source, and those to it as their destination. A label may
// be missing, but for the two that name the workload.
func (w Workload) believable(ls labels.Labels) bool {
	name := ls.Get(model.MetricNameLabel)
	if !traffic(name) {
		return true
	}
	side := ls.Get("reporter")
	if strings.HasPrefix(name, "heddle_") && side == "" {
		side = "destination" // they are about callers that have no name
	}
	if side != "source" && side != "destination" {
		return false
	}
	for i, own := range w.labels(side) {
		got := ls.Get(own[0])
		if got == "" && i > 1 {
			continue
		}
		if got != own[1] && (own[1] != "" || got != unknown) {
			return false
		}
	}
	return true
}

// doubting stores only what a target can know of traffic.
type doubting struct {
	storage.Appendable
	// workload finds that of a target by its host; nil where anything goes.
	workload func(host string) *Workload
	dropped  prometheus.Counter
}

// Appender is for one scrape of the target in ctx.
func (d doubting) Appender(ctx context.Context) storage.Appender {
	app := d.Appendable.Appender(ctx)
	target, ok := scrape.TargetFromContext(ctx)
	if !ok {
		return app
	}
	if w := d.workload(target.URL().Hostname()); w != nil {
		return &doubtingAppender{Appender: app, workload: *w, dropped: d.dropped}
	}
	return app
}

type doubtingAppender struct {
	storage.Appender
	workload Workload
	dropped  prometheus.Counter
}

// takes reports whether a sample is to be stored. A series that has a reference
// was believed before.
func (a *doubtingAppender) takes(ref storage.SeriesRef, ls labels.Labels) bool {
	if ref != 0 || a.workload.believable(ls) {
		return true
	}
	a.dropped.Inc()
	return false
}

// Append stores a sample or drops it without an error, which would cost the
// target all its others.
func (a *doubtingAppender) Append(ref storage.SeriesRef, ls labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	if !a.takes(ref, ls) {
		return 0, nil
	}
	return a.Appender.Append(ref, ls, t, v)
}

// AppendHistogram does the same for a histogram of Prometheus' newer kind.
func (a *doubtingAppender) AppendHistogram(ref storage.SeriesRef, ls labels.Labels, t int64, h *histogram.Histogram, f *histogram.FloatHistogram) (storage.SeriesRef, error) {
	if !a.takes(ref, ls) {
		return 0, nil
	}
	return a.Appender.AppendHistogram(ref, ls, t, h, f)
}
