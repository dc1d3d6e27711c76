package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/mesh/source/file"
	"github.com/heddle-mesh/heddle/mesh/source/local"
)

// Whoever changes something, by whatever way, is in the history: heddle up before
// the control plane ran, an editor while it ran and while it did not, the command
// line; and each once.
func TestEveryWayOfChangingIsRecorded(t *testing.T) {
	c := newControl(t)
	for _, dir := range []string{c.path("run"), c.path("config"), c.path("manifests")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cluster, err := local.Listen(c.path("run", "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	publish(t, cluster, 7)
	entry := func(name, host string) string {
		return fmt.Sprintf("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: %s}\nspec: {hosts: [%s], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS} # keep\n", name, host)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(c.path("manifests", "a.yaml"), entry("a", "a.example.com"))
	store, err := file.Open(c.path("config"), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.ApplyManifests(t.Context(), []string{c.path("manifests")}); err != nil {
		t.Fatal(err)
	}
	says := func(want ...string) {
		t.Helper()
		c.until("the history", func() error {
			text, err := c.get("/api/v1/changes")
			if err != nil {
				return err
			}
			var list struct{ Items []history.Change }
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				return err
			}
			var got []string
			for _, ch := range list.Items {
				got = append(got, fmt.Sprintf("%s %s %s", ch.Via, ch.Entries[0].Op, ch.Entries[0].Ref.Name))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				return errors.New(diff)
			}
			// The audit log has them too, each once, and by the same name.
			if text, err = c.get("/api/v1/audit?action=change.apply"); err != nil {
				return err
			}
			var log struct{ Items []auth.Entry }
			if err := json.Unmarshal([]byte(text), &log); err != nil {
				return err
			}
			var changes, lines []string
			for _, ch := range list.Items {
				changes = append(changes, fmt.Sprintf("%s %s %s change %s", ch.Actor, ch.Via, ch.Entries[0].Ref, ch.ID))
			}
			for _, e := range log.Items {
				lines = append(lines, fmt.Sprintf("%s %s %s %s", e.Actor, e.Via, e.Target, e.Detail))
			}
			if diff := cmp.Diff(changes, lines); diff != "" {
				return fmt.Errorf("audit log: %s", diff)
			}
			return nil
		})
	}
	c.start()
	says("up create a")
	write(c.path("config", "hand.yaml"), entry("b", "b.example.com"))
	says("file create b", "up create a")
	body, err := json.Marshal(map[string]any{"manifests": []map[string]string{{"file": "a.yaml", "text": entry("a", "changed.example.com")}}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.http.Post("http://heddle/api/v1/config", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("apply: %s %s %v", resp.Status, text, err)
	}
	says("cli change a", "file create b", "up create a")
	c.stop()
	write(c.path("config", "hand.yaml"), entry("b", "stopped.example.com"))
	c.start()
	defer c.stop()
	says("file change b", "cli change a", "file create b", "up create a")
}
