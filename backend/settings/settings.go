// Package settings holds the settings of the control plane's process: one
// struct with its defaults, read strictly from a file, then from the
// environment. What belongs to the mesh itself is declared in objects, not here.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Settings of one `heddle serve`.
type Settings struct {
	// State is the folder that everything lasting is kept in.
	State string `yaml:"state"`
	// Console is the TCP address of the console and its API.
	Console string `yaml:"console"`
	// ConsoleNames are names under which the console may be asked for besides
	// localhost, its address and those in its certificate, with commas between.
	ConsoleNames string `yaml:"consoleNames"`
	// TLSCert and TLSKey are PEM files for the console; both or neither.
	TLSCert string `yaml:"tlsCert"`
	TLSKey  string `yaml:"tlsKey"`
	// TrustedProxies are addresses of proxies, and ranges of them, with commas
	// between, that people come through to the console: what these say of a client
	// in X-Forwarded headers is believed.
	TrustedProxies string `yaml:"trustedProxies"`
	// Cluster is the socket of the local cluster's supervisor; empty means
	// <state>/run/cluster.sock.
	Cluster string `yaml:"cluster"`

	Session Session `yaml:"session"`
	History History `yaml:"history"`
	Mesh    Mesh    `yaml:"mesh"`
	Metrics Metrics `yaml:"metrics"`
	Traces  Traces  `yaml:"traces"`
	Log     Log     `yaml:"log"`
}

// Session bounds how long people stay signed in to the console.
type Session struct {
	Idle     time.Duration `yaml:"idle"`     // without a request
	Absolute time.Duration `yaml:"absolute"` // in any case
}

// History bounds what is kept of changes: older ones are forgotten, and the oldest
// ones when their texts are more than MaxBytes. What is there now is always kept.
type History struct {
	Retention time.Duration `yaml:"retention"`
	MaxBytes  int64         `yaml:"maxBytes"`
}

// Mesh are the settings that the whole mesh shares.
type Mesh struct {
	TrustDomain           string  `yaml:"trustDomain"`
	ClusterName           string  `yaml:"clusterName"`
	RootNamespace         string  `yaml:"rootNamespace"`
	OutboundTrafficPolicy string  `yaml:"outboundTrafficPolicy"` // ALLOW_ANY or REGISTRY_ONLY
	TraceSampling         float64 `yaml:"traceSampling"`         // percent
	PodRange              string  `yaml:"podRange"`              // CIDR
}

// Metrics says where metrics are kept and asked for.
type Metrics struct {
	// PrometheusURL is the user's own server; empty means the built-in one.
	PrometheusURL  string        `yaml:"prometheusURL"`
	ScrapeInterval time.Duration `yaml:"scrapeInterval"`
	Retention      time.Duration `yaml:"retention"`
	MaxBytes       int64         `yaml:"maxBytes"`
	// PodBytes is the memory that the series of one pod may take in the built-in
	// Prometheus; a pod that makes more is not stored, and a finding says so. Count
	// 540 kB for each service that a pod calls, for each status with which it is
	// answered.
	PodBytes int64 `yaml:"podBytes"`
	// TotalBytes is the same for all pods together; 0 is four times PodBytes.
	TotalBytes int64 `yaml:"totalBytes"`
}

// Traces says where traces are received, kept and asked for.
type Traces struct {
	// JaegerAddr is the user's own query service (api_v2); empty means the built-in one.
	JaegerAddr string        `yaml:"jaegerAddr"`
	OTLPGRPC   string        `yaml:"otlpGRPC"`
	OTLPHTTP   string        `yaml:"otlpHTTP"`
	Query      string        `yaml:"query"`
	Retention  time.Duration `yaml:"retention"`
	MaxBytes   int64         `yaml:"maxBytes"`
}

// Ports are the TCP ports of this machine that the control plane serves, each
// with what it is for. A port that the system chooses (0) is not among them.
func (s Settings) Ports() map[uint16]string {
	addresses := map[string]string{"the console": s.Console}
	if s.Traces.JaegerAddr == "" {
		addresses["OTLP over gRPC"] = s.Traces.OTLPGRPC
		addresses["OTLP over HTTP"] = s.Traces.OTLPHTTP
		addresses["Jaeger queries"] = s.Traces.Query
	}
	out := map[uint16]string{}
	for what, address := range addresses {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			continue // Validate reports it
		}
		if n, err := net.LookupPort("tcp", port); err == nil && n > 0 {
			out[uint16(n)] = what
		}
	}
	return out
}

// Log says what is logged.
type Log struct {
	Level string `yaml:"level"` // debug, info, warn, error
}

// Default is what holds where nobody says otherwise.
func Default() Settings {
	return Settings{
		State:   ".heddle",
		Console: "127.0.0.1:20001",
		Session: Session{Idle: 8 * time.Hour, Absolute: 24 * time.Hour},
		History: History{Retention: 90 * 24 * time.Hour, MaxBytes: 256 << 20},
		Mesh: Mesh{
			TrustDomain: "cluster.local", ClusterName: "local", RootNamespace: "istio-system",
			OutboundTrafficPolicy: "ALLOW_ANY", TraceSampling: 100, PodRange: "10.66.0.0/16",
		},
		Metrics: Metrics{ScrapeInterval: 2 * time.Second, Retention: 6 * time.Hour, MaxBytes: 512 << 20, PodBytes: 192 << 20},
		Traces: Traces{
			OTLPGRPC: "127.0.0.1:4317", OTLPHTTP: "127.0.0.1:4318", Query: "127.0.0.1:16685",
			Retention: 24 * time.Hour, MaxBytes: 512 << 20,
		},
		Log: Log{Level: "info"},
	}
}

// Load reads a file over the defaults, then HEDDLE_<FIELD> variables over the
// file. An empty path reads no file. Unknown fields are errors that name line
// and field.
func Load(path string, getenv func(string) (string, bool)) (Settings, error) {
	s := Default()
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return s, fmt.Errorf("read settings: %w", err)
		}
		// An empty document would zero the defaults.
		if len(bytes.TrimSpace(data)) > 0 {
			if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&s); err != nil {
				return s, fmt.Errorf("settings %s: %s", path, yaml.FormatError(err, false, true))
			}
		}
	}
	if err := fromEnvironment(reflect.ValueOf(&s).Elem(), "HEDDLE", getenv); err != nil {
		return s, err
	}
	return s, s.Validate()
}

// fromEnvironment sets fields from variables named after their path:
// metrics.scrapeInterval is HEDDLE_METRICS_SCRAPEINTERVAL.
func fromEnvironment(v reflect.Value, prefix string, getenv func(string) (string, bool)) error {
	for i := range v.NumField() {
		name := prefix + "_" + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		f := v.Field(i)
		if f.Kind() == reflect.Struct {
			if err := fromEnvironment(f, name, getenv); err != nil {
				return err
			}
			continue
		}
		text, ok := getenv(name)
		if !ok {
			continue
		}
		if err := set(f, text); err != nil {
			return fmt.Errorf("environment variable %s: %w", name, err)
		}
	}
	return nil
}

func set(f reflect.Value, text string) error {
	switch p := f.Addr().Interface().(type) {
	case *string:
		*p = text
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		*p = n
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 2s or 5m", text)
		}
		*p = d
	}
	return nil
}

// What is kept has room for some thousand series of a pod, and for a few changes.
const (
	minPodBytes     = 8 << 20
	minHistoryBytes = 1 << 20
)

// Validate reports every setting that cannot be used, each with its path.
func (s Settings) Validate() error {
	var errs []error
	bad := func(path, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
	address := func(path, value string) {
		if _, _, err := net.SplitHostPort(value); err != nil {
			bad(path, "%q is not host:port", value)
		}
	}
	if s.State == "" {
		bad("state", "a folder is needed")
	}
	address("console", s.Console)
	address("traces.otlpGRPC", s.Traces.OTLPGRPC)
	address("traces.otlpHTTP", s.Traces.OTLPHTTP)
	address("traces.query", s.Traces.Query)
	if (s.TLSCert == "") != (s.TLSKey == "") {
		bad("tlsCert", "certificate and key belong together: set both or neither")
	}
	if s.Session.Idle < time.Minute {
		bad("session.idle", "%v is shorter than 1m", s.Session.Idle)
	}
	if s.Session.Absolute < s.Session.Idle {
		bad("session.absolute", "%v is shorter than session.idle (%v)", s.Session.Absolute, s.Session.Idle)
	}
	if s.History.Retention < time.Hour {
		bad("history.retention", "%v is shorter than 1h", s.History.Retention)
	}
	if s.History.MaxBytes < minHistoryBytes {
		bad("history.maxBytes", "%d is less than a few changes take: at least %d", s.History.MaxBytes, minHistoryBytes)
	}
	for word := range strings.SplitSeq(s.TrustedProxies, ",") {
		word = strings.TrimSpace(word)
		_, notRange := netip.ParsePrefix(word)
		_, notAddress := netip.ParseAddr(word)
		if word != "" && notRange != nil && notAddress != nil {
			bad("trustedProxies", "%q is no address and no range of them, such as 10.0.0.7 or 10.0.0.0/8", word)
		}
	}
	switch s.Mesh.OutboundTrafficPolicy {
	case "ALLOW_ANY", "REGISTRY_ONLY":
	default:
		bad("mesh.outboundTrafficPolicy", "%q is neither ALLOW_ANY nor REGISTRY_ONLY", s.Mesh.OutboundTrafficPolicy)
	}
	if s.Mesh.TraceSampling < 0 || s.Mesh.TraceSampling > 100 {
		bad("mesh.traceSampling", "%v is not a percentage", s.Mesh.TraceSampling)
	}
	if s.Metrics.ScrapeInterval < time.Second {
		bad("metrics.scrapeInterval", "%v is shorter than 1s", s.Metrics.ScrapeInterval)
	}
	if s.Metrics.PodBytes < minPodBytes {
		bad("metrics.podBytes", "%d is less than a pod's own series take: at least %d", s.Metrics.PodBytes, minPodBytes)
	}
	// Half of the whole is set aside for those that have less.
	if s.Metrics.TotalBytes != 0 && s.Metrics.TotalBytes/2 < s.Metrics.PodBytes {
		bad("metrics.totalBytes", "%d leaves no pod the %d of metrics.podBytes: at least twice that, or 0", s.Metrics.TotalBytes, s.Metrics.PodBytes)
	}
	switch s.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		bad("log.level", "%q is none of debug, info, warn, error", s.Log.Level)
	}
	return errors.Join(errs...)
}
