package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// readiness says whether the proxy can take traffic, and if not, why.
type readiness struct {
	vault  *vault
	link   *link
	keeper *keeper
	admin  *admin
	cache  *cache

	mu sync.Mutex
	// pid is the running Envoy, 0 without; warmed the one that was seen with
	// its listeners. A later listener that warms makes nobody unready.
	pid, warmed int
	why         string // why Envoy does not run
	restarts    int    // ends of Envoy that nobody asked for
	stopping    bool
}

// RestartsHeader stands in every answer about readiness, with the number of times
// that Envoy ended without being asked to.
const RestartsHeader = "Envoy-Restarts"

func (r *readiness) envoyStarted(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pid, r.why = pid, ""
}

func (r *readiness) envoyEnded(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pid, r.why = 0, why
}

// envoyFell is envoyEnded for an Envoy that nobody asked to end.
func (r *readiness) envoyFell(why string) {
	r.envoyEnded(why)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.restarts++
}

func (r *readiness) fallen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.restarts
}

func (r *readiness) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
}

// envoyFacts are the statistics that readiness reads.
const envoyFacts = `^(server\.state|listener_manager\.(total_listeners_active|total_listeners_warming|workers_started))$`

// check is nil when traffic can be taken.
func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	pid, warmed, why, stopping := r.pid, r.warmed, r.why, r.stopping
	r.mu.Unlock()
	if stopping {
		return errors.New("stopping")
	}
	c := r.vault.credential()
	switch {
	case c == nil:
		return fmt.Errorf("no certificate yet: %w", r.noCertificate())
	case !c.valid(time.Now()):
		return fmt.Errorf("the certificate ended at %s: %w", c.leaf.NotAfter.UTC().Format(time.RFC3339), r.noCertificate())
	case pid == 0:
		return errors.New("the proxy does not run: " + why)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	facts, err := r.admin.counts(ctx, envoyFacts)
	if err != nil {
		return fmt.Errorf("the proxy does not answer: %w", err)
	}
	if err := live(facts, warmed == pid); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warmed = pid
	return nil
}

func (r *readiness) noCertificate() error {
	if connected, since, why := r.link.state(); !connected {
		return fmt.Errorf("the control plane is away for %s: %w", time.Since(since).Round(time.Second), why)
	}
	if err := r.keeper.failure(); err != nil {
		return err
	}
	return errors.New("it was asked for")
}

// live judges Envoy's own word. Once it was warm it only has to stay alive.
func live(facts map[string]int64, wasWarm bool) error {
	state, ok := facts["server.state"]
	switch {
	case !ok:
		return errors.New("the proxy does not tell its state")
	case state == 1:
		return errors.New("the proxy drains")
	case state != 0:
		return errors.New("the proxy initializes: it waits for configuration")
	case wasWarm:
		return nil
	case facts["listener_manager.total_listeners_active"] == 0:
		return errors.New("the proxy has no listeners yet")
	case facts["listener_manager.total_listeners_warming"] > 0:
		return fmt.Errorf("the proxy warms %d listeners", facts["listener_manager.total_listeners_warming"])
	case facts["listener_manager.workers_started"] == 0:
		return errors.New("the proxy's workers have not started")
	}
	return nil
}

// ServeHTTP answers 200 or 503, with a line that says why. A proxy whose
// control plane is away stays ready: it serves with what it has.
func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set(RestartsHeader, strconv.Itoa(r.fallen()))
	if err := r.check(req.Context()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready: "+err.Error())
		return
	}
	var text strings.Builder
	text.WriteString("ready")
	if connected, since, why := r.link.state(); !connected {
		fmt.Fprintf(&text, "; the control plane is away for %s (%v), its last word is of %s",
			time.Since(since).Round(time.Second), why, r.cache.heardAt().UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(w, text.String())
}
