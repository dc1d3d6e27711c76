package settings

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	cases := []struct {
		name, file string
		env        map[string]string
		check      func(Settings) bool
		wrong      string
	}{
		{name: "defaults", check: func(s Settings) bool { return s == Default() }},
		{name: "empty file", file: "\n", check: func(s Settings) bool { return s == Default() }},
		{name: "file", file: "metrics:\n  scrapeInterval: 5s\n", check: func(s Settings) bool { return s.Metrics.ScrapeInterval == 5*time.Second }},
		{
			name: "environment wins", file: "console: 127.0.0.1:1\n", env: map[string]string{"HEDDLE_CONSOLE": "127.0.0.1:2", "HEDDLE_MESH_TRACESAMPLING": "12.5"},
			check: func(s Settings) bool { return s.Console == "127.0.0.1:2" && s.Mesh.TraceSampling == 12.5 },
		},
		{name: "unknown field", file: "mesh:\n  trustdomain: x\n", wrong: "trustdomain"},
		{name: "bad duration", env: map[string]string{"HEDDLE_METRICS_RETENTION": "soon"}, wrong: "HEDDLE_METRICS_RETENTION"},
		{name: "bad values, all at once", file: "console: here\nlog: {level: loud}\n", wrong: "log.level"},
		{name: "memory of series", env: map[string]string{"HEDDLE_METRICS_PODBYTES": "1000000000"}, check: func(s Settings) bool { return s.Metrics.PodBytes == 1e9 && s.Metrics.TotalBytes == 0 }},
		{name: "too little for a pod", env: map[string]string{"HEDDLE_METRICS_PODBYTES": "192"}, wrong: "metrics.podBytes"},
		{name: "less for all than for one", env: map[string]string{"HEDDLE_METRICS_TOTALBYTES": "200000000"}, wrong: "metrics.totalBytes"},
		{name: "how long changes are kept", env: map[string]string{"HEDDLE_HISTORY_RETENTION": "24h", "HEDDLE_HISTORY_MAXBYTES": "2000000"}, check: func(s Settings) bool {
			return s.History == History{Retention: 24 * time.Hour, MaxBytes: 2e6}
		}},
		{name: "changes are kept for no time", env: map[string]string{"HEDDLE_HISTORY_RETENTION": "1m"}, wrong: "history.retention"},
		{name: "no room for changes", env: map[string]string{"HEDDLE_HISTORY_MAXBYTES": "10"}, wrong: "history.maxBytes"},
		{name: "sessions", file: "session: {idle: 1h}\n", env: map[string]string{"HEDDLE_SESSION_ABSOLUTE": "9h"}, check: func(s Settings) bool {
			return s.Session == Session{Idle: time.Hour, Absolute: 9 * time.Hour}
		}},
		{name: "sessions that end before they are idle", file: "session: {absolute: 1h}\n", wrong: "session.absolute"},
		{name: "sessions of no time", env: map[string]string{"HEDDLE_SESSION_IDLE": "1s"}, wrong: "session.idle"},
		{name: "proxies", env: map[string]string{"HEDDLE_TRUSTEDPROXIES": "10.0.0.1, fd00::/8"}, check: func(s Settings) bool { return s.TrustedProxies == "10.0.0.1, fd00::/8" }},
		{name: "a proxy by name", file: "trustedProxies: proxy.example.org\n", wrong: "trustedProxies"},
		{name: "half of TLS", file: "tlsCert: a.pem\n", wrong: "set both or neither"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := ""
			if c.file != "" {
				path = filepath.Join(t.TempDir(), "settings.yaml")
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Load(path, func(k string) (string, bool) { v, ok := c.env[k]; return v, ok })
			switch {
			case c.wrong == "" && err != nil:
				t.Fatal(err)
			case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
				t.Fatalf("error %v, want one that names %q", err, c.wrong)
			case c.check != nil && !c.check(got):
				t.Fatalf("got %+v", got)
			}
		})
	}
}

// Nothing is offered to other machines unless somebody says so.
func TestDefaultsListenOnLoopback(t *testing.T) {
	s := Default()
	for name, address := range map[string]string{
		"console": s.Console, "OTLP over gRPC": s.Traces.OTLPGRPC, "OTLP over HTTP": s.Traces.OTLPHTTP, "Jaeger queries": s.Traces.Query,
	} {
		if a, err := netip.ParseAddrPort(address); err != nil || !a.Addr().IsLoopback() {
			t.Errorf("%s listens on %s, %v", name, address, err)
		}
	}
}

func TestPorts(t *testing.T) {
	s := Default()
	s.Console, s.Traces.OTLPHTTP = "0.0.0.0:21001", "127.0.0.1:0"
	want := map[uint16]string{21001: "the console", 4317: "OTLP over gRPC", 16685: "Jaeger queries"}
	if got := s.Ports(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Traces.JaegerAddr = "jaeger:16685"
	if got := s.Ports(); !maps.Equal(got, map[uint16]string{21001: "the console"}) {
		t.Errorf("with a Jaeger of the user's: %v", got)
	}
}
