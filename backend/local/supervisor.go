package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/backend/local/names"
	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/relay"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/private"
	"github.com/heddle-mesh/heddle/mesh/source"
	cluster "github.com/heddle-mesh/heddle/mesh/source/local"
)

// Supervisor runs a local cluster. Make it with New, and run it once.
type Supervisor struct {
	o       Options
	id      sandbox.Identity
	net     sandbox.Network
	started time.Time

	// Both are run by the loop, which alone touches what follows them.
	events  chan func() // change something
	queries chan func() // only look
	ended   chan struct{}
	down    context.CancelCauseFunc

	starter *sandbox.Starter
	machine *sandbox.Machine
	cluster *cluster.Server
	names   *names.Server
	serve   *controlPlane
	slots   chan struct{} // pods that are being started
	running sync.WaitGroup

	// What the loop owns.
	declared  plan.Declared
	read      bool // declared holds something
	wishes    map[plan.Key]wish
	problems  []mesh.Finding   // of what is declared
	short     map[plan.Key]int // pods that Deployments lack for want of room
	addresses map[plan.Key]netip.Addr
	pods      map[string]*pod // by folder id
	falls     map[plan.Key]fall
	lastIP    netip.Addr
	ports     map[uint16]*hostPort
	logs      map[string]*logSink // of the control plane and all containers, by path
	oldLogs   []string            // folders of ended pods, the oldest first
	published published
	stopping  bool

	// calm ends when all is to end: nobody waits for others any more.
	calm  context.Context
	hurry context.CancelFunc
	shut  context.CancelFunc // ends what open started
}

// errDown is why a cluster ends that was asked to.
var errDown = errors.New("asked to stop")

// New makes a supervisor.
func New(o Options) (*Supervisor, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	calm, hurry := context.WithCancel(context.Background())
	return &Supervisor{
		calm: calm, hurry: hurry,
		o: o, id: sandbox.Me(), net: o.network(),
		events: make(chan func()), queries: make(chan func()), ended: make(chan struct{}), starter: sandbox.NewStarter(),
		slots: make(chan struct{}, 2*runtime.NumCPU()),
		pods:  map[string]*pod{}, falls: map[plan.Key]fall{}, ports: map[uint16]*hostPort{}, logs: map[string]*logSink{},
		wishes: map[plan.Key]wish{},
	}, nil
}

// Run runs the cluster until ctx ends or it is asked to stop; then everything
// has ended in order, within 10 s, and the error is nil. It fails with a
// RunningError when the state folder has a supervisor already.
func (s *Supervisor) Run(ctx context.Context) (err error) {
	s.started = time.Now()
	for _, dir := range []string{"run", "logs"} {
		if err := os.MkdirAll(s.o.path(dir), 0o700); err != nil {
			return fmt.Errorf("make the state folder: %w", err)
		}
	}
	locked, err := lock(&s.o)
	if err != nil {
		return err
	}
	defer locked.Close()
	if err := s.clean(); err != nil {
		return err
	}
	ctx, s.down = context.WithCancelCause(ctx)
	defer s.down(errDown)
	if err := s.open(); err != nil {
		return err
	}
	defer s.close()

	updates := make(chan source.Update)
	sourceCtx, stopSource := context.WithCancel(ctx)
	s.running.Go(func() { s.follow(sourceCtx, updates) })
	serveCtx, stopServe := context.WithCancel(context.WithoutCancel(ctx))
	if s.serve != nil {
		s.running.Go(func() { s.serve.run(serveCtx) })
	}
	err = s.loop(ctx, updates)
	stopSource()
	s.stopPods()
	stopServe()
	s.o.Log.Info("cluster stopped")
	return err
}

// follow reads what is declared until ctx ends. A source that fails is asked
// again: what it said last stands meanwhile.
func (s *Supervisor) follow(ctx context.Context, updates chan<- source.Update) {
	for {
		err := s.o.Source.Run(ctx, updates)
		if ctx.Err() != nil {
			return
		}
		s.o.Log.Error("declared objects cannot be read", "error", err, "again_in", retryEvery)
		s.after(retryEvery, ctx.Done())
	}
}

// clean removes what an earlier run left behind.
func (s *Supervisor) clean() error {
	if err := os.RemoveAll(s.o.path("run", "pods")); err != nil {
		return fmt.Errorf("remove pods of an earlier run: %w", err)
	}
	if err := os.MkdirAll(s.o.path("run", "pods"), 0o700); err != nil {
		return fmt.Errorf("make the pods' folder: %w", err)
	}
	entries, err := os.ReadDir(s.o.path("logs"))
	if err != nil {
		return fmt.Errorf("read the folder of logs: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() { // logs of pods, by namespace
			if err := os.RemoveAll(s.o.path("logs", e.Name())); err != nil {
				return fmt.Errorf("remove logs of an earlier run: %w", err)
			}
		}
	}
	s.addresses = s.readAddresses()
	return nil
}

// open starts everything that does not depend on what is declared.
func (s *Supervisor) open() (err error) {
	var ctx context.Context
	ctx, s.shut = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	inside, err := openLog(s.o.path("logs", "machine.log"))
	if err != nil {
		return err
	}
	s.logs[inside.path] = inside
	output, err := inside.pipe()
	if err != nil {
		return err
	}
	s.machine, err = sandbox.Start(s.starter, s.net, s.id, output, s.o.Log)
	output.Close()
	if err != nil {
		return err
	}
	if err := s.openInside(ctx); err != nil {
		return err
	}
	s.cluster, err = cluster.Listen(ClusterSocketPath(s.o.State), s.o.Log)
	if err != nil {
		return err
	}
	if s.o.Serve != nil {
		log, err := openLog(s.o.path("logs", "control-plane.log"))
		if err != nil {
			return err
		}
		s.logs[log.path] = log
		s.serve = &controlPlane{o: &s.o, starter: s.starter, log: log}
	}
	return s.openAPI()
}

// openInside serves names and the way out in the pods' network.
func (s *Supervisor) openInside(ctx context.Context) error {
	at := netip.AddrPortFrom(s.net.Node, 53).String()
	udp, err := s.machine.ListenPacket(at)
	if err != nil {
		return err
	}
	tcp, err := s.machine.Listen(at)
	if err != nil {
		udp.Close()
		return err
	}
	s.names = names.NewServer(names.HostServers("/etc/resolv.conf"), s.o.Log)
	s.running.Go(func() { s.names.Serve(ctx, udp, tcp) })

	egress, err := s.machine.Listen(netip.AddrPortFrom(s.net.Node, egressPort).String())
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { egress.Close() })
	limits := relay.DefaultLimits()
	limits.PerPort, limits.PerClient = limits.Total, limits.Total/4 // of this one port the pods are the clients
	s.running.Go(func() { relay.New(limits, s.o.Log).Serve(egress, s.dialOut) })
	return nil
}

// dialOut connects to where a connection out of the pods' network was going.
func (s *Supervisor) dialOut(ctx context.Context, c net.Conn) (net.Conn, error) {
	to, err := relay.OriginalDestination(c)
	if err != nil {
		return nil, err
	}
	var from net.Dialer
	if to.Addr() == names.HostAddress {
		to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
		// Other programs of this machine see what they are used to: some let in
		// 127.0.0.1 alone.
		if _, ours := s.o.Reserved[to.Port()]; ours {
			from.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(names.PodsAddress, 0))
		}
	}
	return from.DialContext(ctx, "tcp", to.String())
}

// close ends what open started.
func (s *Supervisor) close() {
	s.shut()
	if s.machine != nil {
		s.machine.Close()
	}
	if s.cluster != nil {
		s.cluster.Close()
	}
	s.running.Wait()
	for _, l := range s.logs {
		l.Close()
	}
}

// addressFile keeps the addresses of services over restarts.
const addressFile = "addresses.json"

func (s *Supervisor) readAddresses() map[plan.Key]netip.Addr {
	out := map[plan.Key]netip.Addr{}
	text, err := os.ReadFile(s.o.path(addressFile))
	if errors.Is(err, os.ErrNotExist) {
		return out
	}
	var kept map[string]netip.Addr
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		s.o.Log.Warn("addresses of services are not known any more and are given anew", "file", s.o.path(addressFile), "error", err)
		return out
	}
	for name, a := range kept {
		if ns, n, ok := strings.Cut(name, "/"); ok {
			out[plan.Key{Namespace: ns, Name: n}] = a
		}
	}
	return out
}

func (s *Supervisor) writeAddresses() {
	kept := map[string]netip.Addr{}
	for k, a := range s.addresses {
		kept[k.String()] = a
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err == nil {
		err = private.WriteFile(s.o.path(addressFile), append(text, '\n'))
	}
	if err != nil {
		s.o.Log.Warn("addresses of services are not kept", "error", err)
	}
}

// do has the loop run f; false when the loop has ended.
func (s *Supervisor) do(f func()) bool {
	select {
	case s.events <- f:
		return true
	case <-s.ended:
		return false
	}
}

// ask has the loop run f, which changes nothing, and waits for it; false when
// the loop has ended.
func (s *Supervisor) ask(f func()) bool {
	done := make(chan struct{})
	select {
	case s.queries <- func() { f(); close(done) }:
		<-done
		return true
	case <-s.ended:
		return false
	}
}

// logOf is the log of a container.
func (s *Supervisor) logPath(k plan.Key, container string) string {
	return s.o.path("logs", k.Namespace, k.Name, container+".log")
}
