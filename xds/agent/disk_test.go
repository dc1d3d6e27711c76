package agent

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/xds"
)

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestCacheOnDisk(t *testing.T) {
	key := cacheKey{Schema: cacheSchema, PodUID: "uid-1", TrustDomain: "cluster.local", Envoy: "1.40.0"}
	c := filled(t)
	bad := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: xds.ClusterType, Resources: []*discoveryv3.Resource{resource(t, "bad", "1")}}
	c.taint(bad, "")
	c.hear(time.Now())
	data, err := c.encode(key)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeCache(data, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, typeURL := range xds.Types {
		if diff := cmp.Diff(names(c, typeURL), names(back, typeURL)); diff != "" {
			t.Errorf("%s: %s", typeURL, diff)
		}
	}
	back.commit(2, bad)
	if _, ok := back.get(xds.ClusterType, "bad"); ok {
		t.Error("what was refused before the restart is kept after it")
	}
	if again, err := c.encode(key); err != nil || !bytes.Equal(again, data) {
		t.Error("the same cache is written in two ways", err)
	}

	for name, other := range map[string]cacheKey{
		"pod":    {cacheSchema, "uid-2", "cluster.local", "1.40.0"},
		"domain": {cacheSchema, "uid-1", "example.org", "1.40.0"},
		"Envoy":  {cacheSchema, "uid-1", "cluster.local", "1.40.1"},
		"schema": {cacheSchema + 1, "uid-1", "cluster.local", "1.40.0"},
	} {
		if _, err := decodeCache(data, other); err == nil {
			t.Errorf("taken for another %s", name)
		}
	}
	for name, text := range map[string][]byte{
		"empty": nil, "cut": data[:len(data)-5], "no JSON": []byte("hello\nworld"),
		"changed": bytes.Replace(data, []byte("80/x"), []byte("80/q"), 1),
	} {
		if _, err := decodeCache(text, key); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	path := filepath.Join(t.TempDir(), "configuration")
	if err := os.WriteFile(path, data[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	if ok, why := openCache(path, key, quietLog()).usable(time.Now()); ok || why != "nothing was kept of an earlier run" {
		t.Error(ok, why)
	}
}

func TestCacheIsRefusedWhenOld(t *testing.T) {
	c := filled(t)
	now := time.Now()
	c.hear(now)
	if ok, why := c.usable(now.Add(23 * time.Hour)); !ok {
		t.Error(why)
	}
	if ok, why := c.usable(now.Add(25 * time.Hour)); ok || !strings.Contains(why, "older than 24h") {
		t.Error(ok, why)
	}
}
