package main

import (
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/app"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/mesh/private"
)

// version is set when the program is built for release.
var version = ""

// buildVersion is the release, else the revision that the program was built from.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

func newServe(g *globals) *cobra.Command {
	var file, console, trustedProxies, prometheusURL, jaegerAddr, tlsCert, tlsKey, podRange, trustDomain string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the control plane and the console alone",
		Long:  "Run the control plane and the console alone. On one machine `heddle up` does this for you.\nEvery setting can also be given in the environment: metrics.retention is HEDDLE_METRICS_RETENTION.",
		Args:  words(0, 0),
	}
	cmd.Flags().StringVar(&file, "config", "", "settings `file` (YAML)")
	cmd.Flags().StringVar(&console, "console", "", "`address` of the console")
	cmd.Flags().StringVar(&prometheusURL, "prometheus-url", "", "read metrics from this Prometheus instead of the built-in one")
	cmd.Flags().StringVar(&jaegerAddr, "jaeger-addr", "", "read traces from this Jaeger query `address` instead of the built-in store")
	cmd.Flags().StringVar(&tlsCert, "tls-cert", "", "certificate `file` of the console (PEM)")
	cmd.Flags().StringVar(&tlsKey, "tls-key", "", "key `file` of the console (PEM)")
	cmd.Flags().StringVar(&trustedProxies, "trusted-proxy", "", "`addresses` of proxies that people come through to the console, with commas between")
	cmd.Flags().StringVar(&podRange, "pod-range", "", "addresses of pods, as a `CIDR`")
	cmd.Flags().StringVar(&trustDomain, "trust-domain", "", "trust domain of the mesh's identities")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := settings.Load(file, os.LookupEnv)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("state") || os.Getenv("HEDDLE_STATE") != "" {
			s.State = g.state
		}
		override := func(flag string, to *string, value string) {
			if cmd.Flags().Changed(flag) {
				*to = value
			}
		}
		override("console", &s.Console, console)
		override("tls-cert", &s.TLSCert, tlsCert)
		override("tls-key", &s.TLSKey, tlsKey)
		override("trusted-proxy", &s.TrustedProxies, trustedProxies)
		override("pod-range", &s.Mesh.PodRange, podRange)
		override("trust-domain", &s.Mesh.TrustDomain, trustDomain)
		override("prometheus-url", &s.Metrics.PrometheusURL, prometheusURL)
		override("jaeger-addr", &s.Traces.JaegerAddr, jaegerAddr)
		if err := s.Validate(); err != nil {
			return err
		}
		if err := private.Folder(s.State); err != nil {
			return err
		}
		return app.Serve(cmd.Context(), s, app.Options{Version: buildVersion(), Log: newLogger(s.Log.Level)})
	}
	return cmd
}

// newLogger writes one line per event to standard error.
func newLogger(level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}
