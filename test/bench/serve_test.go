package bench

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/test/bufconn"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// cpu is what this process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bytesOf adds up what proxies received.
func bytesOf(proxies []*proxy) int64 {
	var sum int64
	for _, p := range proxies {
		sum += p.bytes.Load()
	}
	return sum
}

// connected is a server with the real planner and many proxies that have all
// they should.
func connected(t testing.TB, pods, deployments int) (*world, *mesh.Snapshot, []*proxy) {
	t.Helper()
	snap := manySnapshot(t, pods, deployments)
	w := newWorld(t, new(translate.Planner), false)
	w.head.Set(snap)
	var proxies []*proxy
	for i := range deployments {
		for k := range pods / deployments {
			proxies = append(proxies, connectDirect(t, w.server, podUID(i, k)))
		}
	}
	whole(t, w, proxies)
	w.settled(snap.Revision)
	return w, snap, proxies
}

// whole waits until every proxy has its virtual hosts, and nothing under way.
func whole(t testing.TB, w *world, proxies []*proxy) {
	t.Helper()
	eventually(t, "all proxies have their configuration", func() bool {
		status := w.server.Proxies()
		for _, p := range status {
			if !p.Settled || len(p.Types) < 5 {
				return false
			}
		}
		return len(status) == len(proxies)
	})
}

// TestOneRouteChangeIsOneTranslation holds the cost of one changed
// VirtualService among 1,000 with 500 proxies that see them all.
func TestOneRouteChangeIsOneTranslation(t *testing.T) {
	const most = 200 * time.Millisecond // of CPU, the least of three changes
	for _, deployments := range []int{5, 500} {
		t.Run(fmt.Sprintf("500 proxies of %d workloads", deployments), func(t *testing.T) {
			w, snap, proxies := connected(t, 500, deployments)
			t.Logf("first state: %d resources made, %d bytes to each proxy", w.server.Made(), bytesOf(proxies)/int64(len(proxies)))
			least := time.Hour
			for round := range 3 {
				made, bytes := w.server.Made(), bytesOf(proxies)
				next := oneRouteChanged(t, snap, 6+round)
				before := cpu(t)
				w.head.Set(next)
				w.settled(next.Revision)
				least = min(least, cpu(t)-before)
				if got := w.server.Made() - made; got > 1 {
					t.Errorf("one route change made %d resources for %d proxies, want at most 1", got, len(proxies))
				}
				if each := (bytesOf(proxies) - bytes) / int64(len(proxies)); each == 0 || each > 1000 {
					t.Errorf("one route change is %d bytes to each proxy, want 1 to 1,000", each)
				}
			}
			t.Logf("one route change: %v CPU, the proxies' side included", least)
			if least > most {
				t.Errorf("one route change took %v of CPU, want at most %v", least, most)
			}
		})
	}
}

// TestOneRouteChangeOnTheWire holds what 100 proxies receive, gRPC's framing
// included.
func TestOneRouteChangeOnTheWire(t *testing.T) {
	const pods = 100
	snap := manySnapshot(t, pods, 10)
	w := newWorld(t, new(translate.Planner), false)
	var wire wireBytes
	var proxies []*proxy
	for i := range 10 {
		for k := range pods / 10 {
			uid := podUID(i, k)
			l := bufconn.Listen(1 << 16)
			w.listen(uid, l)
			c, err := grpc.NewClient("passthrough:///"+uid, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(&wire),
				grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			proxies = append(proxies, connectWire(t, c))
		}
	}
	w.head.Set(snap)
	whole(t, w, proxies)
	w.settled(snap.Revision)
	for _, c := range []struct {
		name string
		yaml func(name string, seconds int) string
	}{{"one route", routesYAML}, {"two routes", twoRoutesYAML}} {
		first := snap.With(meshtest.Object(t, c.yaml("svc-0007", 6)))
		w.head.Set(first)
		w.settled(first.Revision)
		before := wire.received.Load()
		next := snap.With(meshtest.Object(t, c.yaml("svc-0007", 7)))
		from := time.Now()
		w.head.Set(next)
		w.settled(next.Revision)
		took := time.Since(from)
		each := (wire.received.Load() - before) / pods
		t.Logf("a change of %s: %d bytes to each of %d proxies; the last acknowledgement after %v", c.name, each, pods, took)
		if each == 0 || each > 1000 {
			t.Errorf("a change of %s is %d bytes on the wire to each proxy, want 1 to 1,000", c.name, each)
		}
	}
}

// wireBytes counts what arrives.
type wireBytes struct{ received atomic.Int64 }

// TagRPC implements stats.Handler.
func (*wireBytes) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (w *wireBytes) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		w.received.Add(int64(in.WireLength))
	}
}

// TagConn implements stats.Handler.
func (*wireBytes) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (*wireBytes) HandleConn(context.Context, stats.ConnStats) {}

// BenchmarkFirstState is 1,000 services with routes, from a snapshot to one
// proxy that has acknowledged everything.
func BenchmarkFirstState(b *testing.B) {
	snap := manySnapshot(b, 1, 1)
	for b.Loop() {
		w := newWorld(b, new(translate.Planner), false)
		w.head.Set(snap)
		p := connectDirect(b, w.server, podUID(0, 0))
		whole(b, w, []*proxy{p})
		b.ReportMetric(float64(p.bytes.Load()), "bytes/proxy")
		w.stop()
	}
}

// BenchmarkRouteChange is one changed VirtualService among 1,000 with 500
// proxies, to the last acknowledgement.
func BenchmarkRouteChange(b *testing.B) {
	for _, deployments := range []int{5, 500} {
		b.Run(fmt.Sprintf("workloads=%d", deployments), func(b *testing.B) {
			w, snap, proxies := connected(b, 500, deployments)
			bytes, before, seconds := bytesOf(proxies), cpu(b), 6
			for b.Loop() {
				next := oneRouteChanged(b, snap, seconds)
				seconds++
				w.head.Set(next)
				w.settled(next.Revision)
			}
			b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(bytesOf(proxies)-bytes)/float64(b.N*len(proxies)), "bytes/proxy")
		})
	}
}
