package echo

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
)

// free is an address that nobody listens on at the moment.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listening waits for log lines of the servers.
type listening chan struct{}

func (l listening) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "listening") {
		l <- struct{}{}
	}
	return len(line), nil
}

func start(t *testing.T) (Config, context.Context) {
	t.Helper()
	ready := make(listening, 4)
	cfg := Config{
		Name: "echo-v1", HTTP: free(t), GRPC: free(t), TCP: free(t), ServerFirst: free(t),
		Log: slog.New(slog.NewTextHandler(ready, nil)),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	for range 4 {
		select {
		case <-ready:
		case err := <-ended:
			t.Fatalf("Run: %v", err)
		}
	}
	limited, done := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(done)
	return cfg, limited
}

func TestHTTP(t *testing.T) {
	cfg, ctx := start(t)
	for proto, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(!h2)
		transport.Protocols.SetUnencryptedHTTP2(h2)
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+cfg.HTTP+"/a?status=418", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Test", "1")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		var got Answer
		err = json.NewDecoder(resp.Body).Decode(&got)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 418 || resp.Header.Get("X-Served-By") != "echo-v1" ||
			got.Proto != proto || got.Path != "/a?status=418" || got.Body != "body" || got.Headers.Get("X-Test") != "1" {
			t.Errorf("%s: %s %+v", proto, resp.Status, got)
		}
	}
}

func TestGRPC(t *testing.T) {
	cfg, ctx := start(t)
	c, err := grpc.NewClient(cfg.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var header metadata.MD
	resp, err := grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.Header(&header))
	if err != nil || resp.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := header.Get("x-served-by"); len(got) != 1 || got[0] != "echo-v1" {
		t.Errorf("served by %q", got)
	}
}

func TestTCP(t *testing.T) {
	cfg, _ := start(t)
	for name, first := range map[string]bool{cfg.TCP: false, cfg.ServerFirst: true} {
		c, err := net.Dial("tcp", name)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r := bufio.NewReader(c)
		if first {
			if line, err := r.ReadString('\n'); err != nil || line != "echo-v1\n" {
				t.Fatalf("greeting %q, %v", line, err)
			}
		}
		if _, err := io.WriteString(c, "ping\n"); err != nil {
			t.Fatal(err)
		}
		if !first {
			if line, err := r.ReadString('\n'); err != nil || line != "echo-v1\n" {
				t.Fatalf("greeting %q, %v", line, err)
			}
		}
		if line, err := r.ReadString('\n'); err != nil || line != "ping\n" {
			t.Errorf("echo %q, %v", line, err)
		}
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Run(t.Context(), Config{HTTP: l.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("got %v", err)
	}
}
