package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		env    map[string]string
		usage  bool
		stderr string
		err    string
	}{
		{name: "no app", usage: true, stderr: "traffic-generator"},
		{name: "unknown app", args: []string{"shop"}, usage: true, stderr: "usage: heddle-samples"},
		{name: "unknown flag", args: []string{"details", "--colour"}, usage: true, stderr: "colour"},
		{name: "too many", args: []string{"details", "v1"}, usage: true, stderr: `unexpected argument "v1"`},
		{name: "unknown version", args: []string{"reviews", "--version=v9"}, err: "v9"},
		{name: "bad rate", args: []string{"traffic-generator"}, env: map[string]string{"RATE": "many"}, err: "RATE"},
		{name: "bad address", args: []string{"ratings", "--listen=nowhere:port"}, err: "listen on nowhere:port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			err := run(t.Context(), tt.args, environment{
				log: slog.New(slog.DiscardHandler), getenv: func(k string) string { return tt.env[k] },
			}, &stderr)
			if errors.Is(err, errUsage) != tt.usage || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("error %v, output %q", err, stderr.String())
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAppsStopWhenAsked(t *testing.T) {
	for _, args := range [][]string{
		{"productpage", "--listen=127.0.0.1:0"},
		{"details", "--listen=127.0.0.1:0"},
		{"reviews", "--version=v2", "--listen=127.0.0.1:0"},
		{"ratings", "--listen=127.0.0.1:0"},
		{"traffic-generator", "--listen=127.0.0.1:0"},
		{"echo", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", "--tcp=127.0.0.1:0", "--server-first=127.0.0.1:0"},
	} {
		t.Run(args[0], func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			env := environment{log: slog.New(slog.NewTextHandler(stopper(cancel), nil)), getenv: func(k string) string {
				return map[string]string{"TARGET": "http://127.0.0.1:1", "RATE": "1"}[k]
			}}
			if err := run(ctx, args, env, &bytes.Buffer{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// stopper asks the application to stop once it listens.
type stopper context.CancelFunc

func (s stopper) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("listening")) {
		s()
	}
	return len(line), nil
}
