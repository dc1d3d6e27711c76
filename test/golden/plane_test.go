package golden

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/agent"
	"github.com/heddle-mesh/heddle/xds/envoy/envoytest"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// plane is the control plane.
type plane struct {
	head      mesh.Head
	planner   translate.Planner
	authority *ca.Authority
	server    *serve.Server
	grpc      *grpc.Server
}

func newPlane(t *testing.T) *plane {
	t.Helper()
	p := &plane{}
	var err error
	if p.authority, err = ca.Open(filepath.Join(t.TempDir(), "ca"), mesh.DefaultSettings().TrustDomain); err != nil {
		t.Fatal(err)
	}
	p.server, err = serve.New(serve.Options{
		Planner: &p.planner, Head: &p.head, Signer: serve.Authority(p.authority), TLS: p.authority.ServerConfig(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.grpc = grpc.NewServer(p.server.GRPCOptions()...)
	p.server.Register(p.grpc)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.server.Run(ctx); err != nil {
			t.Errorf("run the control plane: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		p.grpc.Stop()
		running.Wait()
	})
	return p
}

// proxy is one Envoy with its agent.
type proxy struct {
	plane    *plane
	workload *mesh.Workload
	role     xds.Role
	agent    *http.Client // asks the agent
	log      *bytes.Buffer
}

// start runs the proxy of a workload until the test ends.
func (p *plane) start(t *testing.T, w *mesh.Workload) *proxy {
	t.Helper()
	// Paths of sockets must be short, which t.TempDir is not.
	dir, err := os.MkdirTemp("", "golden")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "root.pem"), p.authority.Root(), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "xds.sock"))
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{plane: p, workload: w, role: xds.Sidecar, log: &bytes.Buffer{}}
	if w.Gateway {
		x.role = xds.Gateway
	}
	x.agent = &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "metrics.sock"))
		},
	}}
	options := agent.Options{
		Dir: dir, Role: x.role, Envoy: envoytest.Path(t), Mark: mark,
		Pod:        agent.Pod{Name: w.Pod, Namespace: w.Namespace, UID: w.UID, IP: w.Address.String(), ServiceAccount: w.ServiceAccount},
		DrainLimit: time.Millisecond,
		Log:        slog.New(slog.NewTextHandler(x.log, nil)),
	}
	serving, stopServing := context.WithCancel(context.Background())
	living, end := context.WithCancel(context.Background())
	var server, envoy sync.WaitGroup
	server.Go(func() {
		if err := serve.Serve(serving, p.grpc, w.UID, l); err != nil {
			t.Error(err)
		}
	})
	envoy.Go(func() {
		if err := agent.Run(living, options); err != nil {
			t.Errorf("run the agent of %s: %v", w.Pod, err)
		}
	})
	t.Cleanup(func() {
		end()
		envoy.Wait()
		stopServing()
		server.Wait()
		for line := range strings.Lines(x.log.String()) {
			if strings.Contains(line, "eprecat") {
				t.Errorf("Envoy says: %s", line)
			}
		}
		if t.Failed() {
			t.Logf("the agent and Envoy say:\n%s", x.log.String())
		}
	})
	eventually(t, x.connected)
	return x
}

// connected says whether the proxy has asked for clusters and listeners, and
// taken some answer. It need not be ready: a gateway may have no listener.
func (x *proxy) connected() error {
	for _, status := range x.plane.server.Proxies() {
		if status.UID != x.workload.UID {
			continue
		}
		taken := map[string]bool{}
		for _, s := range status.Types {
			taken[s.Type] = s.Acked.Count > 0
		}
		if taken[xds.ClusterType] && taken[xds.ListenerType] {
			return nil
		}
		return fmt.Errorf("Envoy has taken %v", taken)
	}
	return errors.New("Envoy is not connected")
}

// ask gets a page of the agent.
func (x *proxy) ask(page string) ([]byte, error) {
	res, err := x.agent.Get("http://agent" + page)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", page, res.Status, text)
	}
	return text, err
}

// take makes a snapshot the newest and waits until the proxy has acknowledged
// everything that follows from it, without a single rejection.
func (x *proxy) take(t *testing.T, snap *mesh.Snapshot) {
	t.Helper()
	x.plane.head.Set(snap)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := x.plane.server.WaitSettled(ctx, snap.Revision)
	if err != nil {
		t.Errorf("not acknowledged: %v", err)
	}
	for _, status := range x.plane.server.Proxies() {
		for _, s := range status.Types {
			if s.Rejected.Count > 0 {
				t.Errorf("%s rejected %s %s: %s", status.ID, s.Type, s.Rejected.Resource, s.Rejected.Words)
			}
			if err != nil {
				t.Logf("%s: %+v", status.ID, s)
			}
		}
	}
	if err != nil {
		t.FailNow()
	}
}

// plan is what the proxy is to have, once it took the snapshot.
func (x *proxy) plan(t *testing.T, snap *mesh.Snapshot) *xds.ResourceSet {
	t.Helper()
	w, ok := snap.Workloads.Get(x.workload.UID)
	if !ok {
		t.Fatalf("no workload %s", x.workload.UID)
	}
	plan, _ := x.plane.planner.Plan(snap, xds.Proxy{
		UID: w.UID, ID: w.Pod + "." + w.Namespace, Role: x.role, Workload: w, Namespace: w.Namespace,
	})
	set, _ := xds.BuildAll(plan)
	// What cannot be made stays as it was.
	all := set.All()
	held := x.plane.server.Resources(x.workload.UID)
	for _, part := range plan.All() {
		if _, made := set.Get(part.Type, part.Name); made {
			continue
		}
		for _, r := range held[part.Type] {
			if r.Name == part.Name {
				all = append(all, &r)
			}
		}
	}
	return xds.NewResourceSet(all)
}

// eventually waits until something holds.
func eventually(t *testing.T, holds func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within %v: %v", patience, err)
		}
	}
}
