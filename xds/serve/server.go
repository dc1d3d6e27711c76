package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	securityv1alpha1 "istio.io/api/security/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// Options of a Server.
type Options struct {
	Planner xds.Planner // required
	Head    *mesh.Head  // required
	Log     *slog.Logger
	// Dir is the folder where the last accepted content is kept over restarts;
	// it is made when missing. Empty keeps nothing.
	Dir string
	// Registry takes the server's own metrics, when given.
	Registry prometheus.Registerer
	// Signer issues certificates, and makes the agent's secrets. Without it
	// both are refused.
	Signer Signer
	// TLS of the gRPC server; nil is plaintext.
	TLS *tls.Config
	// Anonymous serves clients whose connection proves no pod, with a Proxy
	// that has no workload. For gRPC clients in tests.
	Anonymous bool
	Limits    Limits
}

// Server is the xDS server. All methods may be called from any goroutine.
type Server struct {
	options Options
	limits  Limits
	log     *slog.Logger

	memo    *memo
	goods   *goods
	bad     *quarantine
	budgets *budgets
	health  *health.Server
	metrics *metrics
	stop    chan struct{} // closed when the server ends
	plans   chan struct{} // as many tokens as plans may be made at a time
	unsaved chan struct{} // something is to be written
	landed  chan struct{} // something settled

	mu       sync.Mutex
	snap     *mesh.Snapshot
	seq      uint64 // counts the snapshots that came
	changed  lastChanges
	derived  derived
	streams  map[*stream]struct{}
	streamID uint64

	// behind are the streams that have not acknowledged all of snapshot seq.
	behind  map[*stream]struct{}
	settled uint64               // the newest snapshot that everybody acknowledged
	seen    map[mesh.Hash]uint64 // revision to the number of its last snapshot
	waiters []chan struct{}
	told    []func(mesh.Hash)
	// listeners are told what is delivered.
	listeners []Listener
}

// seenRevisions bounds how many revisions WaitSettled can tell about.
const seenRevisions = 1024

// New makes a server; Run makes it live. What was kept in Dir is read here.
func New(o Options) (*Server, error) {
	if o.Planner == nil || o.Head == nil {
		return nil, errors.New("an xDS server needs a planner and a head")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		options: o, limits: o.Limits.withDefaults(), log: o.Log,
		memo: newMemo(), goods: newGoods(), health: health.NewServer(), changed: lastChanges{},
		stop: make(chan struct{}), plans: make(chan struct{}, runtime.GOMAXPROCS(0)),
		unsaved: make(chan struct{}, 1), landed: make(chan struct{}, 1),
		derived: newDerived(), streams: map[*stream]struct{}{},
		behind: map[*stream]struct{}{}, seen: map[mesh.Hash]uint64{},
	}
	s.bad, s.budgets = newQuarantine(s.saveSoon), newBudgets(s.limits)
	s.metrics = newMetrics(s)
	if o.Registry != nil {
		if err := o.Registry.Register(s.metrics); err != nil {
			return nil, fmt.Errorf("register the xDS server's metrics: %w", err)
		}
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// Register adds the server's services to a gRPC server: aggregated discovery,
// certificate signing, health.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(r, discovery{server: s})
	securityv1alpha1.RegisterIstioCertificateServiceServer(r, certificates{server: s})
	healthv1.RegisterHealthServer(r, s.health)
}

// Run follows the head until ctx ends. Then all streams end, and what is to be
// kept is written. It is called once.
func (s *Server) Run(ctx context.Context) error {
	var writing sync.WaitGroup
	writing.Go(func() { s.keepWriting(ctx) })
	defer writing.Wait()
	defer close(s.stop)
	defer s.health.Shutdown()

	snapshots := s.options.Head.Watch(ctx)
	for {
		select {
		case snap, ok := <-snapshots:
			if !ok {
				return nil
			}
			s.publish(snap)
		case <-s.landed:
			s.tell()
		case <-ctx.Done():
			return nil
		}
	}
}

// publish makes a snapshot the one that all proxies are to follow.
func (s *Server) publish(snap *mesh.Snapshot) {
	s.mu.Lock()
	s.seq++
	s.changed.note(s.snap, snap, s.seq)
	published := Published{Seq: s.seq, Before: s.snap, Snapshot: snap, At: time.Now()}
	for _, l := range s.listeners { // before any proxy can answer
		l.Published(published)
	}
	s.snap = snap
	s.derived = newDerived()
	if len(s.seen) >= seenRevisions {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(s.seen)), func(a, b mesh.Hash) int { return int(s.seen[a]) - int(s.seen[b]) })
		delete(s.seen, oldest)
	}
	s.seen[snap.Revision] = s.seq
	s.behind = maps.Clone(s.streams)
	s.landLocked()
	s.mu.Unlock()
	s.budgets.sweep(time.Now())
	s.wakeAll()
}

func (s *Server) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		st.poke()
	}
}

// current is the snapshot to follow, nil before the first, and its number.
func (s *Server) current() (*mesh.Snapshot, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap, s.seq
}

// guiltiest sorts what a resource came from by who is likely to blame for it.
func (s *Server) guiltiest(from []mesh.Ref) []mesh.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed.guiltiest(from)
}

// plan asks the planner. A panic there is our bug; the proxy keeps the plan
// that it has.
func (s *Server) plan(snap *mesh.Snapshot, p xds.Proxy) (plan *xds.Plan, findings []mesh.Finding, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("plan for proxy %s: %v", p.ID, fault)
		}
	}()
	plan, findings = s.options.Planner.Plan(snap, p)
	if plan == nil {
		return nil, nil, fmt.Errorf("plan for proxy %s: the planner gave none", p.ID)
	}
	return plan, findings, nil
}

// proxyOf says who stands behind a stream; false while the snapshot does not
// know the pod.
func (s *Server) proxyOf(st *stream, snap *mesh.Snapshot) (xds.Proxy, bool) {
	if !st.pod {
		return xds.Proxy{UID: st.uid, ID: st.uid, Role: xds.Sidecar}, true
	}
	w, ok := snap.Workloads.Get(st.uid)
	if !ok {
		return xds.Proxy{}, false
	}
	return proxyFor(w), true
}

// proxyFor is the proxy beside a workload.
func proxyFor(w *mesh.Workload) xds.Proxy {
	p := xds.Proxy{UID: w.UID, ID: w.Pod + "." + w.Namespace, Role: xds.Sidecar, Workload: w, Namespace: w.Namespace}
	if w.Gateway {
		p.Role = xds.Gateway
	}
	return p
}

// Made counts the resources that were translated since the server started.
func (s *Server) Made() uint64 { return s.memo.made.Load() }

// Findings of translation and delivery, of all connected proxies, in order.
func (s *Server) Findings() []mesh.Finding {
	snap, _ := s.current()
	all := s.bad.findings(snap)
	sets := map[*set]struct{}{}
	entries := map[*entry]struct{}{}
	var broken effects
	for _, st := range s.open() {
		set, refused := st.found()
		broken.add(st)
		for _, v := range refused {
			if v.current(snap) {
				all = append(all, v.finding())
			}
		}
		if _, known := sets[set]; set == nil || known {
			continue
		}
		sets[set] = struct{}{}
		all = append(all, set.findings...)
		for _, e := range set.noted() {
			if _, known := entries[e]; !known && e.content != nil {
				entries[e] = struct{}{}
				all = append(all, e.findings...)
			}
		}
	}
	return sortFindings(append(all, broken.findings(time.Now())...))
}

// Proxies lists the connected proxies by ID.
func (s *Server) Proxies() []ProxyStatus {
	byUID := map[string]ProxyStatus{}
	now := time.Now()
	for _, st := range s.open() {
		p := st.status(now)
		if older, ok := byUID[p.UID]; ok {
			p = merge(older, p)
		}
		byUID[p.UID] = p
	}
	for uid, p := range byUID {
		p.Settled = p.Settled && slices.ContainsFunc(p.Types, func(t TypeStatus) bool { return configures(t.Type) })
		byUID[uid] = p
	}
	return slices.SortedFunc(maps.Values(byUID), func(a, b ProxyStatus) int {
		if a.ID != b.ID {
			if a.ID < b.ID {
				return -1
			}
			return 1
		}
		if a.UID < b.UID {
			return -1
		}
		return 1
	})
}

// Resources is what a proxy holds, by type URL and then name, as far as this
// process sent it or would send the same. It is nil for a proxy that is not
// connected.
func (s *Server) Resources(uid string) map[string][]xds.Resource {
	var all map[string][]xds.Resource
	for _, st := range s.open() {
		if st.uid != uid {
			continue
		}
		if all == nil {
			all = map[string][]xds.Resource{}
		}
		maps.Copy(all, st.resources()) // of a type that stands on two streams the newer one's
	}
	return all
}

// open lists the streams, the oldest first.
func (s *Server) open() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.streams), func(a, b *stream) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
}
