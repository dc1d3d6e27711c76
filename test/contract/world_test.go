package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/app"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/source/local"
)

// patience bounds what would otherwise wait for ever.
const patience = 60 * time.Second

// world is a control plane with bookinfo, on a state folder of its own: all of
// it but the programs in the pods.
type world struct {
	t       *testing.T
	address string // of the console
	state   string // its folder
	traces  string // where spans are taken
	client  *http.Client
	ended   chan error
	began   time.Time // the last moment that the metrics reach back from
}

// password is that of every user in the table.
const password = "correct horse battery"

// newWorld starts it: with an hour of metrics, one trace, and the proxy of
// productpage connected.
func newWorld(t *testing.T) *world {
	t.Helper()
	state, err := os.MkdirTemp("", "heddle") // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(state) })
	w := &world{t: t, state: state, address: freeAddress(t), traces: freeAddress(t), client: &http.Client{}, ended: make(chan error, 1), began: time.Now().Truncate(time.Minute)}
	s := settings.Default()
	s.State, s.Console = state, w.address
	s.Traces.OTLPGRPC, s.Traces.OTLPHTTP, s.Traces.Query = "127.0.0.1:0", w.traces, "127.0.0.1:0"
	t.Setenv("HEDDLE_ADMIN_PASSWORD", password)
	recordMetrics(t, filepath.Join(state, "prometheus"), w.began)

	run := filepath.Join(state, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := local.Listen(filepath.Join(run, "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close() })
	if err := cluster.Publish(local.State{Revision: 1, Objects: meshtest.Objects(t, meshtest.Bookinfo())}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ended <- app.Serve(ctx, s, app.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	w.until("it is ready", func() error { return w.ready("http://" + w.address + "/readyz") })
	connectProxy(t, cluster, state, "productpage-v1-0")
	w.sendTrace()
	return w
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (w *world) ready(url string) error {
	resp, err := w.client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s (%w)", resp.Status, text, err)
	}
	return nil
}

// until waits for a condition.
func (w *world) until(what string, check func() error) {
	w.t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case ended := <-w.ended:
			w.t.Fatalf("%s: the control plane ended with: %v", what, ended)
		case <-limit:
			w.t.Fatalf("%s: not in %s: %v", what, patience, err)
		case <-tick.C:
		}
	}
}

// traceID is the trace that there is.
const traceID = "0af7651916cd43dd8448eb211c80319c"

// sendTrace sends one call of productpage to ratings, which fails, as any
// program does that speaks OTLP.
func (w *world) sendTrace() {
	w.t.Helper()
	at := time.Now().Add(-time.Minute)
	nanos := func(after time.Duration) string { return fmt.Sprint(at.Add(after).UnixNano()) }
	span := func(service, id, parent, name string, kind int, from, to time.Duration, status string) string {
		return fmt.Sprintf(`{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":%q}}]},"scopeSpans":[{"spans":[{"traceId":%q,"spanId":%q,"parentSpanId":%q,"name":%q,"kind":%d,"startTimeUnixNano":%q,"endTimeUnixNano":%q,"attributes":[{"key":"http.url","value":{"stringValue":"http://reviews:9080/reviews/0"}}],"status":{%s}}]}]}`,
			service, traceID, id, parent, name, kind, nanos(from), nanos(to), status)
	}
	body := `{"resourceSpans":[` +
		span("productpage.default", "b7ad6b7169203331", "", "reviews.default.svc.cluster.local:9080/*", 3, 0, 40*time.Millisecond, "") + "," +
		span("reviews.default", "b7ad6b7169203332", "b7ad6b7169203331", "reviews.default.svc.cluster.local:9080/*", 2, 2*time.Millisecond, 38*time.Millisecond, `"code":2`) + `]}`
	w.until("a trace is taken", func() error {
		resp, err := w.client.Post("http://"+w.traces+"/v1/traces", "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	})
}
