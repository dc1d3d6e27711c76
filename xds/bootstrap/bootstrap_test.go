package bootstrap

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/xds"
)

var update = flag.Bool("update", false, "rewrite the expected files")

func sidecar() Config {
	return Config{
		Role: xds.Sidecar, Pod: "reviews-v1-abc", Namespace: "default", IP: "10.66.0.5",
		AgentSocket: "/pod/envoy.sock", AdminSocket: "/pod/admin.sock", Mark: 1337,
	}
}

func TestJSON(t *testing.T) {
	text, err := JSON(sidecar())
	if err != nil {
		t.Fatal(err)
	}
	// protojson varies its white space on purpose.
	var got bytes.Buffer
	if err := json.Indent(&got, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	golden := filepath.Join("testdata", "sidecar.json")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMarkOnlyWhereAsked(t *testing.T) {
	c := sidecar()
	c.Mark = 0
	m, err := Message(c)
	if err != nil {
		t.Fatal(err)
	}
	if m.GetClusterManager() != nil {
		t.Error("socket options without a mark")
	}
	if c.AgentSocket = ""; c.AgentSocket == "" {
		if _, err := Message(c); err == nil {
			t.Error("a bootstrap without the agent")
		}
	}
}

func TestNodeID(t *testing.T) {
	if got, want := sidecar().NodeID(), "sidecar~10.66.0.5~reviews-v1-abc.default~default.svc.cluster.local"; got != want {
		t.Error(got)
	}
}

func TestArgs(t *testing.T) {
	got := strings.Join(Args("/pod/bootstrap.json", 2, "warning"), " ")
	for _, want := range []string{"--concurrency 2", "--disable-hot-restart", "--drain-time-s 45", "--file-flush-interval-msec 1000"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
