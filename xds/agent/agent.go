package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	alsv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/heddle-mesh/heddle/mesh/private"
	"github.com/heddle-mesh/heddle/xds/bootstrap"
	"github.com/heddle-mesh/heddle/xds/envoy"
)

// maxFromEnvoy bounds one message of Envoy; the first of each stream carries
// its whole list of extensions.
const maxFromEnvoy = 16 << 20

// agent is everything that runs beside one Envoy.
type agent struct {
	options Options
	log     *slog.Logger

	vault   *vault
	link    *link
	keeper  *keeper
	cache   *cache
	key     cacheKey
	relay   *relay
	spans   *spans
	tcp     *tcpBytes
	guard   *guard
	admin   *admin
	ready   *readiness
	metrics *ownMetrics
}

// Run is an agent's life. When ctx ends, the proxy stops being ready, Envoy is
// drained and ended, and Run returns nil. Any other end is an error: something
// that the agent needs on this machine is not to be had.
func Run(ctx context.Context, options Options) error {
	if err := options.complete(); err != nil {
		return err
	}
	a, err := build(ctx, options)
	if err != nil {
		return err
	}
	// What Envoy needs outlives the wish to stop, until Envoy is gone.
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, base := errgroup.WithContext(base)
	if err := a.serve(base, group); err != nil {
		stop()
		return errAfter(group, err)
	}
	group.Go(func() error { return a.link.run(base) })
	group.Go(func() error { return a.keeper.watch(base) })
	group.Go(func() error { return a.keeper.run(base) })
	group.Go(func() error { return a.spans.run(base) })
	group.Go(func() error { return a.cache.saver(base, a.cachePath(), a.key, a.link, a.log) })
	group.Go(func() error {
		defer stop()
		return a.proxy(ctx, base)
	})
	return group.Wait()
}

// errAfter waits for a group and gives the error that ended it.
func errAfter(group *errgroup.Group, err error) error {
	_ = group.Wait() // ended by err
	return err
}

// build makes everything and reads what an agent before this one left.
func build(ctx context.Context, o Options) (*agent, error) {
	version, err := envoy.Version(ctx, o.Envoy)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.path("cache"), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for kept configuration: %w", err)
	}
	a := &agent{options: o, log: o.Log, metrics: newOwnMetrics()}
	if a.vault, err = openVault(o.path("secrets"), o.path("root.pem"), time.Now()); err != nil {
		return nil, err
	}
	if c := a.vault.credential(); c != nil {
		a.metrics.expiry.Set(float64(c.leaf.NotAfter.Unix()))
	}
	a.key = cacheKey{Schema: cacheSchema, PodUID: o.Pod.UID, TrustDomain: o.TrustDomain, Envoy: version}
	a.cache = openCache(a.cachePath(), a.key, a.log)
	a.link = &link{target: o.ControlPlane, roots: a.vault.trusted, log: a.log}
	a.metrics.watch(a.link)
	a.keeper = &keeper{vault: a.vault, link: a.link, metrics: a.metrics, log: a.log}
	a.relay = &relay{link: a.link, cache: a.cache, metrics: a.metrics, log: a.log}
	a.spans = newSpans(a.link, a.metrics)
	a.tcp = newTCPBytes(a.log)
	a.metrics.registry.MustRegister(a.tcp)
	a.guard = newGuard(a.log, a.metrics.refused.Inc)
	a.admin = newAdmin(o.path("admin.sock"))
	a.ready = &readiness{vault: a.vault, link: a.link, keeper: a.keeper, admin: a.admin, cache: a.cache, why: "it was not started yet"}
	return a, nil
}

func (a *agent) cachePath() string { return a.options.path("cache/configuration") }

// serve opens every listener and serves it in the group until ctx ends. When
// one cannot be opened, none is left open.
func (a *agent) serve(ctx context.Context, group *errgroup.Group) error {
	socket, err := a.guard.listen(a.options.path("envoy.sock"))
	if err != nil {
		return err
	}
	server := a.server()
	group.Go(func() error {
		defer context.AfterFunc(ctx, server.Stop)()
		if err := server.Serve(socket); err != nil && ctx.Err() == nil {
			return fmt.Errorf("serve Envoy: %w", err)
		}
		return nil
	})

	e := &endpoints{
		vault: a.vault, ready: a.ready, admin: a.admin, log: a.log,
		metrics: newMerged(a.admin, a.metrics, a.options.App, a.log),
	}
	private, err := private.Listen(a.options.path("metrics.sock"))
	if err != nil {
		return err
	}
	group.Go(func() error { return serveHTTP(ctx, private, e.private()) })
	for _, l := range []struct {
		address string
		handler http.Handler
	}{
		{a.options.Listen.Metrics, e.public()},
		{a.options.Listen.Ready, e.health()},
		{a.options.Listen.Stats, e.stats()},
	} {
		if l.address == "" {
			continue
		}
		listener, err := net.Listen("tcp", l.address)
		if err != nil {
			return fmt.Errorf("serve metrics and readiness: %w: is the port taken by the application?", err)
		}
		group.Go(func() error { return serveHTTP(ctx, listener, l.handler) })
	}
	if a.options.Listen.Admin != "" {
		listener, err := net.Listen("tcp", a.options.Listen.Admin)
		if err != nil {
			return fmt.Errorf("serve Envoy's admin interface: %w: is the port taken by the application?", err)
		}
		group.Go(func() error { return forward(ctx, listener, a.options.path("admin.sock")) })
	}
	return nil
}

// server is what Envoy speaks to.
func (a *agent) server() *grpc.Server {
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(frameCodec{}),
		grpc.MaxRecvMsgSize(maxFromEnvoy),
		grpc.MaxSendMsgSize(maxMessage),
		// Envoy pings every 3 s; grpc-go's default holds that for an attack.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	a.relay.register(server)
	a.spans.register(server)
	secretv3.RegisterSecretDiscoveryServiceServer(server, &secrets{vault: a.vault})
	alsv3.RegisterAccessLogServiceServer(server, a.tcp)
	return server
}

// proxy runs Envoy from the moment it can serve until ctx ends; base ends only
// when the agent cannot go on.
func (a *agent) proxy(ctx, base context.Context) error {
	if !a.canStart(ctx, base) {
		return nil
	}
	text, err := bootstrap.JSON(bootstrap.Config{
		Role: a.options.Role, Pod: a.options.Pod.Name, Namespace: a.options.Pod.Namespace, IP: a.options.Pod.IP,
		AgentSocket: a.options.path("envoy.sock"), AdminSocket: a.options.path("admin.sock"), Mark: a.options.Mark,
	})
	if err != nil {
		return err
	}
	file := a.options.path("bootstrap.json")
	if err := private.WriteFile(file, text); err != nil {
		return err
	}
	p := &process{
		path: a.options.Envoy, args: bootstrap.Args(file, a.options.Concurrency, a.options.EnvoyLevel),
		guard: a.guard, ready: a.ready, metrics: a.metrics, log: a.log, ended: a.tcp.envoyEnded,
	}
	run, end := context.WithCancel(base)
	defer end()
	done := make(chan error, 1)
	go func() { done <- p.run(run) }()
	select {
	case err := <-done:
		return err
	case <-base.Done():
	case <-ctx.Done():
		a.ready.stop()
		drain(a.admin, a.options.Role, a.options.DrainLimit, a.log)
	}
	end()
	return <-done
}

// canStart waits until there is a certificate and somebody who answers Envoy:
// the control plane, or the cache. It is false when the agent is to stop.
func (a *agent) canStart(ctx, base context.Context) bool {
	said := ""
	for {
		secret, linked := a.vault.news.changed(), a.link.news.changed()
		c := a.vault.credential()
		usable, why := a.cache.usable(time.Now())
		switch {
		case c == nil:
			why = "no certificate yet"
		case a.link.current() != nil || usable:
			return true
		default:
			why = "the control plane is away, and " + why
		}
		a.ready.envoyEnded("it waits: " + why)
		if why != said {
			a.log.Info("Envoy waits", "why", why)
			said = why
		}
		select {
		case <-ctx.Done():
			return false
		case <-base.Done():
			return false
		case <-secret:
		case <-linked:
		}
	}
}
