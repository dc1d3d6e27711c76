package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/heddle-mesh/heddle/xds"
)

// Options is everything an agent is told.
type Options struct {
	Dir  string // the pod's own folder
	Role xds.Role
	Pod  Pod

	// ControlPlane is a gRPC target; empty is the unix socket xds.sock in Dir.
	ControlPlane string
	TrustDomain  string

	Envoy       string // path of the program
	Concurrency int    // worker threads of Envoy; 0 is 1
	EnvoyLevel  string // log level of Envoy; empty is "warning"
	// Mark tells Envoy's own packets from those of the application; 0 is none.
	Mark int

	Listen Listen
	App    AppMetrics

	// DrainLimit bounds the wait for open connections when the agent is
	// stopped; 0 is 5 s.
	DrainLimit time.Duration

	Log *slog.Logger
}

// Pod is what the agent is told about where it runs. The control plane does
// not believe any of it; it is for names in logs and dumps.
type Pod struct {
	Name, Namespace, UID, IP, ServiceAccount string
}

// Listen is where the agent serves. An empty address is not served.
type Listen struct {
	Metrics string // merged metrics and readiness
	Ready   string // readiness
	Admin   string // Envoy's admin interface
	Stats   string // Envoy's own statistics
}

// DefaultListen are the ports as the field knows them.
func DefaultListen() Listen {
	return Listen{Metrics: ":15020", Ready: ":15021", Admin: "127.0.0.1:15000", Stats: ":15090"}
}

// AppMetrics says where the application serves metrics, as its pod's
// annotations prometheus.io/scrape, /port and /path have it.
type AppMetrics struct {
	Scrape bool
	Port   uint16
	Path   string // empty is /metrics
}

// FromEnv fills in what a pod's environment says: POD_NAME, POD_NAMESPACE,
// POD_UID, INSTANCE_IP, SERVICE_ACCOUNT, TRUST_DOMAIN, PROMETHEUS_SCRAPE,
// PROMETHEUS_PORT, PROMETHEUS_PATH, ENVOY_LOG_LEVEL, ENVOY_CONCURRENCY,
// TERMINATION_DRAIN_DURATION_SECONDS.
func (o *Options) FromEnv(get func(string) string) error {
	o.Pod = Pod{
		Name: get("POD_NAME"), Namespace: get("POD_NAMESPACE"), UID: get("POD_UID"),
		IP: get("INSTANCE_IP"), ServiceAccount: get("SERVICE_ACCOUNT"),
	}
	o.TrustDomain = get("TRUST_DOMAIN")
	o.EnvoyLevel = get("ENVOY_LOG_LEVEL")
	if v := get("ENVOY_CONCURRENCY"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("ENVOY_CONCURRENCY is %q: a number of threads from 1 is expected", v)
		}
		o.Concurrency = n
	}
	if v := get("TERMINATION_DRAIN_DURATION_SECONDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("TERMINATION_DRAIN_DURATION_SECONDS is %q: a number of seconds from 1 is expected", v)
		}
		o.DrainLimit = time.Duration(n) * time.Second
	}
	if get("PROMETHEUS_SCRAPE") == "true" {
		port := get("PROMETHEUS_PORT")
		if port == "" {
			port = "80"
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("PROMETHEUS_PORT is %q: a port from 1 to 65535 is expected", port)
		}
		if n >= 15000 && n <= 15099 {
			return fmt.Errorf("PROMETHEUS_PORT is %q: the ports from 15000 to 15099 are the proxy's own; name the application's", port)
		}
		o.App = AppMetrics{Scrape: true, Port: uint16(n), Path: get("PROMETHEUS_PATH")}
	}
	return nil
}

// maxSocketPath is what the kernel takes for the path of a unix socket.
const maxSocketPath = 107

func (o *Options) complete() error {
	if o.Dir == "" || o.Envoy == "" || o.Pod.Name == "" || o.Pod.Namespace == "" {
		return errors.New("agent: the pod's folder, the Envoy program, and the pod's name and namespace (POD_NAME, POD_NAMESPACE) must be given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	o.Dir = dir
	if n := len(o.path("metrics.sock")); n > maxSocketPath {
		return fmt.Errorf("agent: sockets in %s would have paths of %d characters, and the system takes %d: use a shorter state folder", o.Dir, n, maxSocketPath)
	}
	if o.Role == "" {
		o.Role = xds.Sidecar
	}
	if o.ControlPlane == "" {
		o.ControlPlane = "unix://" + o.path("xds.sock")
	}
	if o.TrustDomain == "" {
		o.TrustDomain = "cluster.local"
	}
	if o.Concurrency == 0 {
		o.Concurrency = 1
	}
	if o.EnvoyLevel == "" {
		o.EnvoyLevel = "warning"
	}
	if o.DrainLimit == 0 {
		o.DrainLimit = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

func (o *Options) path(name string) string { return filepath.Join(o.Dir, name) }
