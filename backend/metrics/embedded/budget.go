package embedded

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// DefaultPodBytes is what the series of one pod of the last half hour to hour may
// hold in memory, where a series counts with the most that one of its size can
// cost. A proxy's standard series counts SeriesBytes and takes half of that, for
// its labels have few values: a pod may have 25,000 of them, which are 67 for each
// outcome of each service that it calls, 370 in all.
const (
	DefaultPodBytes = 192 << 20
	SeriesBytes     = 8 << 10
)

// totalShares is how many pods may have all that one may, where nobody says what
// all may have together.
const totalShares = 4

// refusalLasts is how long a refusal is told after the last one of its kind.
const refusalLasts = time.Minute

// owner is who made a series, as the labels that we put on it say.
type owner struct{ namespace, pod, job, instance string }

func ownerOf(ls labels.Labels) owner {
	return owner{ls.Get("namespace"), ls.Get("pod"), ls.Get(model.JobLabel), ls.Get(model.InstanceLabel)}
}

// String is how people name the owner.
func (o owner) String() string {
	if o.pod != "" {
		return strings.TrimPrefix(o.namespace+"/"+o.pod, "/")
	}
	return o.instance
}

// A Refusal is a target whose last scrapes were not stored because of all the
// series that it made.
type Refusal struct {
	Namespace, Pod string // empty where the target has none
	Message        string // what is wrong, and what to do
	// All reports that the bound is that of all pods together, not of one.
	All bool
}

// budget keeps one target's series from taking the memory of all: the database
// asks it before it makes a series and tells it when one is gone. What counts
// is every series that is held, so that new names for old ones gain nothing.
//
// Half of the whole is set aside in equal shares for the targets that there
// are. The other half goes to whoever comes first, one target taking only so
// much.
type budget struct {
	pod, total uint64
	now        func() time.Time

	mu        sync.Mutex
	replaying bool // what lies on disk was admitted once
	held      map[owner]*holding
	sum       uint64
	targets   map[owner]int // number of labels that we put on each one's series
}

// holding is what one owner has.
type holding struct {
	series, bytes uint64
	refused       time.Time
	message       string
	all           bool // the bound that was met last is that of all pods
}

func newBudget(pod, total uint64) *budget {
	return &budget{pod: pod, total: total, now: time.Now, replaying: true, held: map[owner]*holding{}}
}

// costOf is the most that a series takes in the database and the scraper, for
// whatever values its labels have: measured with values that never repeat.
func costOf(ls labels.Labels) uint64 {
	return 700 + 3*ls.ByteSize() + 130*uint64(ls.Len())
}

// report reports whether a series is about the scrapes of its owner: those are
// few, and tell of a refusal. What the target itself calls so has more labels.
func (b *budget) report(who owner, ls labels.Labels) bool {
	switch ls.Get(model.MetricNameLabel) {
	case "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added":
		return ls.Len() == b.targets[who]+1
	}
	return false
}

// PreCreation refuses a series that its owner has no room for.
func (b *budget) PreCreation(ls labels.Labels) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	who := ownerOf(ls)
	if b.replaying || b.report(who, ls) {
		return nil
	}
	h := b.of(who)
	after := h.bytes + costOf(ls)
	switch {
	case after > b.pod:
		h.all, h.message = false, fmt.Sprintf("metrics of %s are not stored: within the last hour it made %d series, more than one pod may have; "+
			"look in them for a label whose values keep changing and take it out", who, h.series)
	case !b.room(who, after):
		h.all, h.message = true, fmt.Sprintf("metrics of %s are not stored: the series of all pods fill the built-in Prometheus; "+
			"stop the pod that has most of them, or use a Prometheus of your own", who)
	default:
		return nil
	}
	h.refused = b.now()
	return errors.New(h.message)
}

// room reports whether an owner may come to hold so much without taking what is
// set aside for others.
func (b *budget) room(who owner, after uint64) bool {
	open := b.total / 2
	if b.sum+after-b.of(who).bytes <= open {
		return true
	}
	share := open / max(1, uint64(len(b.targets)))
	_, there := b.targets[who]
	if there && after <= share {
		return true
	}
	var taken uint64
	for o, h := range b.held {
		has := h.bytes
		if o == who {
			has = after
		}
		if _, there := b.targets[o]; there {
			has -= min(has, share)
		}
		taken += has
	}
	return taken <= open
}

// of is the holding of an owner. It needs the lock.
func (b *budget) of(who owner) *holding {
	h := b.held[who]
	if h == nil {
		h = &holding{}
		b.held[who] = h
	}
	return h
}

// PostCreation counts a series.
func (b *budget) PostCreation(ls labels.Labels) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, cost := b.of(ownerOf(ls)), costOf(ls)
	h.series++
	h.bytes += cost
	b.sum += cost
}

// PostDeletion gives back what series cost that are gone from memory.
func (b *budget) PostDeletion(gone map[chunks.HeadSeriesRef]labels.Labels) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ls := range gone {
		h, cost := b.of(ownerOf(ls)), costOf(ls)
		h.series--
		h.bytes -= cost
		b.sum -= cost
	}
	b.forget()
}

// forget drops owners that are gone with all they had. It needs the lock.
func (b *budget) forget() {
	for o, h := range b.held {
		if _, there := b.targets[o]; !there && h.series == 0 {
			delete(b.held, o)
		}
	}
}

// opened ends the time in which everything is taken.
func (b *budget) opened() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replaying = false
}

// setTargets says for whom room is set aside, and how many labels we put on
// the series of each.
func (b *budget) setTargets(targets map[owner]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.targets = targets
	b.forget()
}

// refusals lists who is refused at this time, by name.
func (b *budget) refusals() []Refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Refusal
	for o, h := range b.held {
		if _, there := b.targets[o]; there && !h.refused.IsZero() && b.now().Sub(h.refused) < refusalLasts {
			list = append(list, Refusal{Namespace: o.namespace, Pod: o.pod, Message: h.message, All: h.all})
		}
	}
	slices.SortFunc(list, func(a, b Refusal) int { return cmp.Compare(a.Message, b.Message) })
	return list
}
