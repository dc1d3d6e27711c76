package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A browser that is signed in to the console sends its cookie to the port of the
// gateway too, since a port is no site of its own to cookies. What it sends, and a
// token that a program sends, stand in no trace, no log and no dump of a proxy.
func TestCredentialsLeaveNoTrace(t *testing.T) {
	m := bookinfo(t)
	const cookie, token = "planted.cookie.x7Qv2", "hdl_PLANTEDTOKENX7QV2"
	const id = "0af7651916cd43dd8448eb211c80319c"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.Gateway()+"/productpage", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "heddle_session", Value: cookie})
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("traceparent", "00-"+id+"-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}

	clean := func(what string, text []byte) {
		t.Helper()
		for _, secret := range []string{cookie, token} {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
				if i := bytes.Index(text, []byte(form)); i >= 0 {
					t.Errorf("%s: …%.300s", what, text[max(0, i-150):])
				}
			}
		}
	}
	// The way through all proxies is known before it is searched.
	var trace json.RawMessage
	Eventually(t, 20*time.Second, "the trace of the request", func() error {
		if err := m.Ask(t.Context(), "/api/v1/traces/"+id, &trace); err != nil {
			return err
		}
		for _, service := range []string{"ingressgateway.default", "productpage.default", "details.default", "reviews.default"} {
			if !bytes.Contains(trace, []byte(service)) {
				return fmt.Errorf("%s is not in it yet: %.300s", service, trace)
			}
		}
		return nil
	})
	clean("the trace", trace)
	local := m.(*localMesh)
	seen := 0
	for _, workload := range []string{"ingressgateway", "productpage-v1", "details-v1", "reviews-v1", "reviews-v2", "reviews-v3", "ratings-v1"} {
		pods, err := m.Pods(t.Context(), workload)
		if err != nil {
			t.Fatal(err)
		}
		for _, pod := range pods {
			for _, what := range []string{"all", "bootstrap", "stats"} {
				var dump json.RawMessage
				if err := m.Ask(t.Context(), "/api/v1/proxies/"+pod.UID+"/config/"+what, &dump); err != nil {
					t.Fatal(err)
				}
				clean(what+" of "+pod.Name, dump)
			}
			said, err := local.heddle(t.Context(), nil, "logs", pod.Name, "-c", "proxy", "--tail", "10000")
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			clean("the log of the proxy of "+pod.Name, said)
			seen++
		}
	}
	if seen < 7 {
		t.Errorf("only %d proxies were looked at", seen)
	}
	files := 0
	err = filepath.WalkDir(filepath.Join(local.state, "logs"), func(path string, entry fs.DirEntry, err error) error {
		// What applications themselves write is theirs.
		if err != nil || entry.IsDir() || !strings.Contains(path, "proxy") && !strings.Contains(path, "control-plane") {
			return err
		}
		text, err := os.ReadFile(path)
		clean(path, text)
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d logs, %v", files, err)
	}
}
