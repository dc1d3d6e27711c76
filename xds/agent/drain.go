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

// drainQuiet is how long nothing may be under way before idle connections,
// which nobody can be told to close, are given up.
const drainQuiet = 500 * time.Millisecond

// drain tells Envoy to let its connections go and waits until nothing is under
// way on them, at most limit. A sidecar keeps taking what its own application
// sends.
func drain(a *admin, role xds.Role, limit time.Duration, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	path := "/drain_listeners?graceful&skip_exit"
	if role == xds.Sidecar {
		path += "&inboundonly"
	}
	if err := a.post(ctx, path); err != nil {
		log.Warn("Envoy cannot be drained", "error", err)
		return
	}
	began := time.Now()
	quiet := began
	for {
		counts, err := a.counts(ctx, openFilter)
		if err != nil {
			log.Warn("Envoy was not seen to drain", "error", err)
			return
		}
		now, open := time.Now(), countOpen(counts, role)
		if open.busy() > 0 {
			quiet = now
		}
		if open.connections == 0 || now.Sub(quiet) >= drainQuiet {
			log.Info("Envoy is drained", "took", now.Sub(began).Round(time.Millisecond), "idle_connections", open.connections)
			return
		}
		if !pause(ctx, drainEvery) {
			log.Warn("requests or connections are still open at the end of the drain", "requests", open.requests,
				"connections", open.connections, "limit", limit)
			return
		}
	}
}

// openFilter picks the statistics that countOpen reads.
const openFilter = `^(listener|http)\..*\.downstream_(cx|rq)_active$`

// opened is what is open on the listeners that drain.
type opened struct {
	connections int64 // all
	http        int64 // those of them that carry HTTP
	requests    int64
}

// busy is what must not be cut: requests, and connections that are no HTTP.
func (o opened) busy() int64 { return o.requests + max(0, o.connections-o.http) }

// countOpen sums what is open: on all listeners of a gateway, on the inbound
// one of a sidecar. Statistics of one worker are parts of those of all.
func countOpen(counts map[string]int64, role xds.Role) opened {
	var o opened
	for name, v := range counts {
		if strings.HasPrefix(name, "listener.admin.") || strings.HasPrefix(name, "http.admin.") || strings.Contains(name, ".worker_") {
			continue
		}
		listener := strings.HasPrefix(name, "listener.")
		if role == xds.Sidecar {
			inbound := strings.HasPrefix(name, "http.inbound_")
			if listener {
				inbound = strings.Contains(name, "_"+inboundPort+".")
			}
			if !inbound {
				continue
			}
		}
		switch {
		case listener:
			o.connections += v
		case strings.HasSuffix(name, ".downstream_cx_active"):
			o.http += v
		default:
			o.requests += v
		}
	}
	return o
}

// inboundPort is where redirected traffic to the application arrives.
const inboundPort = "15006"
