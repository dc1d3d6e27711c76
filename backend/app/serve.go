// Package app constructs the control plane from its parts, runs them together,
// and stops them in order.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/mesh/private"
	"github.com/heddle-mesh/heddle/mesh/source"
	"github.com/heddle-mesh/heddle/mesh/source/file"
	"github.com/heddle-mesh/heddle/mesh/source/local"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// Options of Serve.
type Options struct {
	Version string
	Log     *slog.Logger
}

// Serve runs the control plane until ctx ends. It returns nil after an orderly
// stop, and otherwise what failed.
func Serve(ctx context.Context, s settings.Settings, o Options) error {
	state, err := filepath.Abs(s.State)
	if err != nil {
		return err
	}
	s.State = state
	if s.Cluster, err = filepath.Abs(cmp.Or(s.Cluster, filepath.Join(state, "run", "cluster.sock"))); err != nil {
		return err
	}
	p, err := assemble(s, o)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// plane is one control plane with all its parts.
type plane struct {
	settings settings.Settings
	options  Options
	log      *slog.Logger

	head    *mesh.Head
	store   *file.Store
	cluster *local.Client
	ca      *ca.Authority
	xds     *serve.Server
	pods    *grpc.Server // what agents talk to

	ports     *ports
	telemetry *telemetry
	settled   *settledTokens
	checks    *checks
	people    people
	owner     string // the name of whom the mesh belongs to
	history   *history.History
	files     words // of the store
	live      *telling
	health    *health
	previews  previews
	delivery  *delivery.Tracker
	// certificates that the proxies present.
	certificates *certificates

	mu     sync.Mutex
	status string // why it is not ready; "" when it is
}

func assemble(s settings.Settings, o Options) (_ *plane, err error) {
	p := &plane{settings: s, options: o, log: o.Log, head: &mesh.Head{}, ports: newPorts(o.Log), checks: newChecks(o.Log), status: "waiting for the sources of the configuration"}
	p.certificates = &certificates{ask: p.certificate}
	// Before anything is opened that only one process can have.
	if private.Answers(p.socket()) {
		return nil, fmt.Errorf("another control plane runs on %s: stop it first, or choose another --state", s.State)
	}
	for _, dir := range []string{"run", "config"} {
		if err := os.MkdirAll(filepath.Join(s.State, dir), 0o700); err != nil {
			return nil, fmt.Errorf("make the state folder: %w", err)
		}
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.ca, err = ca.Open(filepath.Join(s.State, "ca"), s.Mesh.TrustDomain); err != nil {
		return nil, fmt.Errorf("open the certificate authority: %w", err)
	}
	if p.people, err = openPeople(context.Background(), s, o.Log); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if p.store, err = file.Open(filepath.Join(s.State, "config"), file.Options{Log: o.Log}); err != nil {
		return nil, fmt.Errorf("open the configuration: %w", err)
	}
	p.cluster = local.Dial(s.Cluster, o.Log)
	p.settled = &settledTokens{tell: p.cluster.Settled}
	if p.telemetry, err = openTelemetry(s, p.ports, o.Log); err != nil {
		return nil, err
	}
	p.previews.planner = new(translate.Planner)
	p.xds, err = serve.New(serve.Options{
		Planner: p.previews.planner, Head: p.head, Log: o.Log, Registry: p.telemetry.registry,
		Dir: filepath.Join(s.State, "delivery"), Signer: serve.Authority(p.ca), TLS: p.ca.ServerConfig(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up xDS: %w", err)
	}
	p.xds.OnSettled(p.settled.reached)
	p.openHealth()
	p.openLive()
	p.openHistory()
	p.openDelivery()
	p.pods = grpc.NewServer(p.xds.GRPCOptions()...)
	p.xds.Register(p.pods)
	p.telemetry.register(p.pods)
	return p, nil
}

// run runs all parts; the first that fails ends them all.
func (p *plane) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if err := p.welcome(ctx); err != nil {
		return err
	}
	group.Go(func() error { return p.people.run(ctx) })
	group.Go(func() error { return p.history.Run(ctx) })
	group.Go(func() error { return p.collect(ctx) })
	group.Go(func() error { return p.xds.Run(ctx) })
	group.Go(func() error { return p.checks.run(ctx, p.head, p.evidence) })
	group.Go(func() error { return p.servePods(ctx) })
	group.Go(func() error { return p.telemetry.run(ctx, p.head) })
	group.Go(func() error { return p.serveAPI(ctx) })
	group.Go(func() error { return p.runLive(ctx) })
	group.Go(func() error { return p.health.run(ctx) })
	group.Go(func() error { return p.delivery.Run(ctx) })
	return group.Wait()
}

func (p *plane) close() {
	if p.telemetry != nil {
		p.telemetry.close()
	}
	if p.people.database != nil {
		if err := p.people.database.Close(); err != nil {
			p.log.Warn("the database was not closed in order", "error", err)
		}
	}
}

// collect turns what the sources say into snapshots.
func (p *plane) collect(ctx context.Context) error {
	files := only{Source: p.store, keep: declaredKind, heard: p.files.keep}
	config := source.Config{Settings: p.meshSettings(), Sources: []source.Source{files, p.cluster}, Log: p.log}
	return source.Collect(ctx, config, func(in mesh.Inputs, tokens source.Tokens) {
		snap := mesh.Build(p.head.Get(), in)
		p.settled.expect(snap.Revision, tokens[p.cluster.Name()])
		p.head.Set(snap)
		if u, ok := p.files.take(tokens[p.store.Name()]); ok {
			p.history.Observe(u.Objects, u.Writes)
		}
		p.setStatus("")
	})
}

func (p *plane) meshSettings() mesh.Settings {
	m := p.settings.Mesh
	s := mesh.DefaultSettings()
	s.TrustDomain, s.Cluster, s.RootNamespace = m.TrustDomain, m.ClusterName, m.RootNamespace
	s.OutboundAllowAny = m.OutboundTrafficPolicy == "ALLOW_ANY"
	s.TraceSampling, s.PodRange = m.TraceSampling, m.PodRange
	s.LocalGateway = true
	return s
}

// servePods answers every pod on the socket that is its credential.
func (p *plane) servePods(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l := <-p.cluster.Listeners():
			running.Go(func() {
				if err := serve.Serve(ctx, p.pods, l.UID, l.L); err != nil && ctx.Err() == nil {
					p.log.Warn("pod's socket ended", "uid", l.UID, "error", err)
				}
			})
		}
	}
}

func (p *plane) setStatus(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = why
}

// clusterKinds are reported by the cluster with what only it knows (addresses,
// pods), so their documents in the store are not read a second time.
var clusterKinds = map[mesh.Kind]bool{
	mesh.KindNamespace: true, mesh.KindService: true, mesh.KindServiceAccount: true, mesh.KindDeployment: true,
	mesh.KindPod: true, mesh.KindEndpointSlice: true, mesh.KindConfigMap: true, mesh.KindSecret: true,
}

func declaredKind(k mesh.Kind) bool { return !clusterKinds[k] }

// only is a source without the objects of other kinds; heard is told all of them.
type only struct {
	source.Source
	keep  func(mesh.Kind) bool
	heard func(source.Update)
}

// Run implements source.Source.
func (o only) Run(ctx context.Context, out chan<- source.Update) error {
	all := make(chan source.Update)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return o.Source.Run(ctx, all) })
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case u := <-all:
				o.heard(u)
				var kept []*mesh.Object
				for _, obj := range u.Objects {
					if o.keep(obj.Kind) {
						kept = append(kept, obj)
					}
				}
				u.Objects = kept
				select {
				case out <- u:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	})
	return group.Wait()
}

// settledTokens joins what the cluster said (by token) with what the proxies
// have taken (by revision).
type settledTokens struct {
	tell func(token uint64)

	mu       sync.Mutex
	revision mesh.Hash // of the newest snapshot
	token    uint64    // of the cluster's word in it
	settled  mesh.Hash // revision that every proxy has taken
}

// expect notes that a snapshot holds the cluster's word with this token.
func (s *settledTokens) expect(revision mesh.Hash, token uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unchanged := s.revision == revision
	s.revision, s.token = revision, token
	if unchanged && s.settled == revision { // nothing changed for any proxy
		s.tell(token)
	}
}

// reached notes that every connected proxy has taken a revision.
func (s *settledTokens) reached(revision mesh.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = revision
	if s.revision == revision {
		s.tell(s.token)
	}
}
