package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/heddle-mesh/heddle/backend/traces"
)

func TestATraceInPiecesComesBackWhole(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	spans := bookinfo(1, began)
	// The proxies send at different times, some spans twice.
	if err := exportGRPC(t, s, otlp(spans[3], spans[2])); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := exportGRPC(t, s, otlp(spans[0], spans[2])); err != nil {
		t.Fatal(err)
	}
	add(t, s, spans[1])

	got, err := c.Get(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != firstID || !got.Start.Equal(began) || got.Duration != 30*time.Millisecond || got.Errors != 2 {
		t.Errorf("trace: %+v", got)
	}
	var lines []string
	for _, s := range got.Spans {
		lines = append(lines, fmt.Sprintf("%s<%s %s %s %s %v %v", s.ID, s.Parent, s.Service, s.Operation, s.Kind, s.Duration, s.Error))
	}
	want := []string{
		"0000000000000001< istio-ingressgateway.istio-system egress productpage client 30ms false",
		"0000000000000002<0000000000000001 productpage.default ingress server 28ms false",
		"0000000000000003<0000000000000002 productpage.default egress reviews:9080 client 20ms true",
		"0000000000000004<0000000000000003 reviews.default ingress server 18ms true",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	services, err := c.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"istio-ingressgateway.istio-system", "productpage.default", "reviews.default"}, services); diff != "" {
		t.Error(diff)
	}
	operations, err := c.Operations(t.Context(), "productpage.default")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]traces.Operation{{Name: "egress reviews:9080", Kind: "client"}, {Name: "ingress", Kind: "server"}}, operations); diff != "" {
		t.Error(diff)
	}
	dependencies, err := c.Dependencies(t.Context(), began.Add(-time.Minute), began.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	wantDeps := []traces.Dependency{
		{Parent: "istio-ingressgateway.istio-system", Child: "productpage.default", Calls: 1},
		{Parent: "productpage.default", Child: "reviews.default", Calls: 1},
	}
	if diff := cmp.Diff(wantDeps, dependencies); diff != "" {
		t.Error(diff)
	}
}

func TestFind(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	for i := range byte(5) {
		add(t, s, bookinfo(i+1, began.Add(time.Duration(i)*time.Minute))...)
	}
	add(t, s, spanIn{9, 1, 0, "productpage.default", "ingress", ptrace.SpanKindServer, began.Add(10 * time.Minute), time.Second, false, map[string]string{"user": "jason"}})
	for name, test := range map[string]struct {
		q    traces.Query
		want string
	}{
		"newest first":  {traces.Query{Service: "productpage.default", Limit: 3}, "9 5 4"},
		"all":           {traces.Query{Service: "productpage.default"}, "9 5 4 3 2 1"},
		"other service": {traces.Query{Service: "reviews.default"}, "5 4 3 2 1"},
		"nobody":        {traces.Query{Service: "ratings.default"}, ""},
		"operation":     {traces.Query{Service: "productpage.default", Operation: "egress reviews:9080"}, "5 4 3 2 1"},
		"slow":          {traces.Query{Service: "productpage.default", MinDuration: 500 * time.Millisecond}, "9"},
		"fast":          {traces.Query{Service: "productpage.default", MaxDuration: 25 * time.Millisecond}, "5 4 3 2 1"},
		// A fast and a slow span together are no span in between.
		"between":   {traces.Query{Service: "productpage.default", MinDuration: 22 * time.Millisecond, MaxDuration: 26 * time.Millisecond}, ""},
		"time":      {traces.Query{Service: "productpage.default", Start: began.Add(time.Minute), End: began.Add(2*time.Minute + time.Second)}, "3 2"},
		"attribute": {traces.Query{Service: "productpage.default", Attributes: map[string]string{"user": "jason"}}, "9"},
		"errors":    {traces.Query{Service: "reviews.default", Attributes: map[string]string{"error": "true"}, Limit: 1}, "5"},
		"no errors": {traces.Query{Service: "istio-ingressgateway.istio-system", Attributes: map[string]string{"error": "true"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := c.Find(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, trace := range list {
				ids = append(ids, strings.TrimLeft(trace.ID, "0"))
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
	if _, err := c.Find(t.Context(), traces.Query{}); !errors.Is(err, traces.ErrInvalid) {
		t.Errorf("without a service: %v", err)
	}
	if _, err := c.Get(t.Context(), "ff"); !errors.Is(err, traces.ErrNotFound) {
		t.Errorf("unknown trace: %v", err)
	}
	if _, err := c.Get(t.Context(), "xyz"); !errors.Is(err, traces.ErrInvalid) {
		t.Errorf("bad ID: %v", err)
	}
}

func TestTracesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	add(t, s, bookinfo(1, began)[:2]...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, Options{Dir: dir})
	add(t, again, bookinfo(1, began)[2:]...)
	got, err := ask(t, again).Get(t.Context(), firstID)
	if err != nil || len(got.Spans) != 4 {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "traces.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", info, err)
	}
}

func TestAFolderWithARelativeAndOddName(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, Options{Dir: "a b?c#d%20/traces"})
	add(t, s, bookinfo(1, began)...)
	if _, err := ask(t, s).Get(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("a b?c#d%20/traces/traces.db"); err != nil {
		t.Error(err)
	}
}

func TestAnUnreadableFileIsMovedAside(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "traces.db"), bytes.Repeat([]byte("nonsense"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{Dir: dir})
	add(t, s, bookinfo(1, began)...)
	if _, err := ask(t, s).Get(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "traces.db.unreadable")); err != nil {
		t.Error(err)
	}
}
