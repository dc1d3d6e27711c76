package serve

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// budgets bound what each pod costs, over all its connections.
type budgets struct {
	limits Limits

	mu   sync.Mutex
	pods map[string]*budget
}

// budget is what one pod has in use.
type budget struct {
	calls   int // that are open, of all kinds
	streams int // that are open, of discovery
	bytes   int // what the names take that it asked for or says it has
	signing *rate.Limiter
}

func newBudgets(l Limits) *budgets { return &budgets{limits: l, pods: map[string]*budget{}} }

func (b *budgets) of(uid string) *budget {
	pod := b.pods[uid]
	if pod == nil {
		pod = &budget{signing: rate.NewLimiter(rate.Every(b.limits.CertificateEvery), b.limits.CertificateBurst)}
		b.pods[uid] = pod
	}
	return pod
}

// call takes a place for a call; done gives it back.
func (b *budgets) call(uid string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	pod := b.of(uid)
	if pod.calls >= b.limits.CallsPerPod {
		return status.Errorf(codes.ResourceExhausted, "this pod has %d calls open already; try again when one has ended", pod.calls)
	}
	pod.calls++
	return nil
}

func (b *budgets) done(uid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(uid).calls--
	b.drop(uid, time.Now())
}

// open takes a place for a discovery stream; shut gives it back, with what its
// names took.
func (b *budgets) open(uid string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	pod := b.of(uid)
	if pod.streams >= b.limits.StreamsPerPod {
		return status.Errorf(codes.ResourceExhausted, "this pod has %d discovery streams already; end one", pod.streams)
	}
	pod.streams++
	return nil
}

func (b *budgets) shut(uid string, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	pod := b.of(uid)
	pod.streams--
	pod.bytes -= bytes
	b.drop(uid, time.Now())
}

// charge counts more bytes of names, or fewer. It is false, and nothing is
// counted, when that leaves less than spare of what the pod may have.
func (b *budgets) charge(uid string, more, spare int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	pod := b.of(uid)
	if more > 0 && pod.bytes+more > b.limits.NamesPerPod-spare {
		return false
	}
	pod.bytes += more
	return true
}

// sign takes a place for a certificate.
func (b *budgets) sign(uid string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.of(uid).signing.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return status.Errorf(codes.ResourceExhausted, "this pod asked for too many certificates; try again in %v", wait.Round(100*time.Millisecond)+100*time.Millisecond)
}

// sweep forgets the pods that have nothing in use.
func (b *budgets) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for uid := range maps.Keys(b.pods) {
		b.drop(uid, now)
	}
}

// drop forgets a pod that has nothing in use. One that asked for certificates
// lately is kept: coming back must not fill its bucket.
func (b *budgets) drop(uid string, now time.Time) {
	pod := b.pods[uid]
	if pod.calls == 0 && pod.streams == 0 && pod.signing.TokensAt(now) >= float64(b.limits.CertificateBurst) {
		delete(b.pods, uid)
	}
}

// tap counts the calls of each pod before anything of them is read.
func (s *Server) tap(ctx context.Context, _ *tap.Info) (context.Context, error) {
	uid, ok := PodOf(ctx)
	if !ok {
		return ctx, nil // every service refuses such a call by itself
	}
	if err := s.budgets.call(uid); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { s.budgets.done(uid) })
	return ctx, nil
}
