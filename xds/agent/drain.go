package agent

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/xds"
)

// drainEvery is how often open connections are counted while Envoy drains.
const drainEvery = 100 * time.Millisecond

// drain tells Envoy to let its connections go and waits until none is open, at
// most limit. A sidecar keeps taking what its own application sends.
func drain(a *admin, role xds.Role, limit time.Duration, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	path := "/drain_listeners?graceful&skip_exit"
	open := openConnections
	if role == xds.Sidecar {
		path += "&inboundonly"
		open = openInbound
	}
	if err := a.post(ctx, path); err != nil {
		log.Warn("Envoy cannot be drained", "error", err)
		return
	}
	began := time.Now()
	for {
		counts, err := a.counts(ctx, `^listener\..*downstream_cx_active$`)
		if err != nil {
			log.Warn("Envoy was not seen to drain", "error", err)
			return
		}
		n := open(counts)
		if n == 0 {
			log.Info("Envoy is drained", "took", time.Since(began).Round(time.Millisecond))
			return
		}
		if !pause(ctx, drainEvery) {
			log.Warn("connections are still open at the end of the drain", "connections", n, "limit", limit)
			return
		}
	}
}

// openConnections sums the connections of all listeners.
func openConnections(counts map[string]int64) int64 {
	var n int64
	for name, v := range counts {
		if isListenerCount(name) {
			n += v
		}
	}
	return n
}

// openInbound sums those of the inbound listener.
func openInbound(counts map[string]int64) int64 {
	var n int64
	for name, v := range counts {
		if isListenerCount(name) && strings.Contains(name, "_"+inboundPort+".") {
			n += v
		}
	}
	return n
}

// inboundPort is where redirected traffic to the application arrives.
const inboundPort = "15006"

// isListenerCount leaves out the admin interface, which is being asked, and
// the counts per worker, which would be counted twice.
func isListenerCount(name string) bool {
	return strings.HasSuffix(name, ".downstream_cx_active") &&
		!strings.HasPrefix(name, "listener.admin.") && !strings.Contains(name, ".worker_")
}
