// Package contract holds what the API answers: a table of scenarios, run against
// a whole control plane, and beside it one file for each with the answer. The
// files are read by this package, which compares them with what the API answers
// today and with its own OpenAPI document, and by the tests of the console.
//
// make generate writes the files anew.
package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the API answers, instead of comparing it with what stands in the files")

// scenario is one request and who sends it.
type scenario struct {
	name string
	as   string // a user, "" for nobody, or the name of a kept token
	// request is method and path; ${…} in it, in headers and in the body is what
	// a scenario before has kept, or the time that the metrics are asked for.
	request string
	headers map[string]string
	body    string
	// keep names strings of the answer for scenarios that follow, by their path.
	keep map[string]string
	// until is asked for again as long as the answer lacks one of these texts: some
	// of the mesh is a moment behind what was written.
	until []string
	// apart keeps how far the answer's times lie apart; otherwise all of them are
	// alike in the file.
	apart bool
}

// fixture is what stands in a file.
type fixture struct {
	Name      string            `json:"name"`
	Operation string            `json:"operation"` // of the OpenAPI document
	As        string            `json:"as,omitempty"`
	Request   fixtureRequest    `json:"request"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      any               `json:"body,omitempty"`
}

type fixtureRequest struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// told are the headers that clients act on.
var told = []string{"Content-Type", "ETag", "Retry-After", "Set-Cookie"}

// Every scenario is answered as its file says and as the OpenAPI document says.
func TestScenarios(t *testing.T) {
	w := newWorld(t)
	r := &runner{world: w, kept: map[string]string{"end": w.began.UTC().Format("2006-01-02T15:04:05Z")}, cookies: map[string]*http.Cookie{}}
	for _, p := range people {
		r.ask(scenario{as: "admin", request: "POST /api/v1/users", body: p})
	}
	document := readDocument(t, r.ask(scenario{as: "admin", request: "GET /api/v1/openapi.json"}).body)
	var written []string
	for _, s := range scenarios {
		got := r.run(s)
		operation, problems := document.check(got)
		got.Operation = operation
		for _, p := range problems {
			t.Errorf("%s: the answer is not what the OpenAPI document says: %s", s.name, p)
		}
		name := s.name + ".json"
		if slices.Contains(written, name) {
			t.Errorf("two scenarios are called %s", s.name)
		}
		written = append(written, name)
		compare(t, name, got)
	}
	there, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		switch {
		case slices.Contains(written, name):
		case *update:
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s belongs to no scenario: run make generate", name)
		}
	}
}

// compare tells how an answer differs from its file, or writes it there.
func compare(t *testing.T, name string, got fixture) {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Errorf("%v: run make generate", err)
		return
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
		t.Errorf("%s: the API answers otherwise now; if that is meant, run make generate (-file +answer):\n%s", name, diff)
	}
}

// runner sends requests as several people.
type runner struct {
	world   *world
	kept    map[string]string
	cookies map[string]*http.Cookie
}

type answer struct {
	status  int
	headers http.Header
	body    []byte
}

// run sends a scenario until it is answered as it should, and gives what is to
// stand in its file.
func (r *runner) run(s scenario) fixture {
	t := r.world.t
	t.Helper()
	var got answer
	r.world.until(s.name, func() error {
		got = r.ask(s)
		for _, text := range s.until {
			if !strings.Contains(string(got.body), text) {
				return fmt.Errorf("%d, without %q: %s", got.status, text, got.body)
			}
		}
		return nil
	})
	method, path, _ := strings.Cut(r.fill(s.request), " ")
	for name, from := range s.keep {
		r.kept[name] = find(t, s.name, got, from)
	}
	n := r.normal(got.body, s.apart)
	f := fixture{Name: s.name, As: s.as, Status: got.status, Headers: map[string]string{}, Body: n.json(t, got.body)}
	f.Request = fixtureRequest{Method: method, Path: n.text(path), Body: n.json(t, []byte(r.fill(s.body)))}
	for name, value := range s.headers {
		if f.Request.Headers == nil {
			f.Request.Headers = map[string]string{}
		}
		f.Request.Headers[name] = n.text(r.fill(value))
	}
	for _, name := range told {
		if value := got.headers.Get(name); value != "" {
			f.Headers[name] = n.header(name, value)
		}
	}
	return f
}

// ask sends a scenario once.
func (r *runner) ask(s scenario) answer {
	t := r.world.t
	t.Helper()
	method, path, _ := strings.Cut(r.fill(s.request), " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.world.address+path, strings.NewReader(r.fill(s.body)))
	if err != nil {
		t.Fatal(err)
	}
	if s.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	switch token := r.kept[s.as]; {
	case token != "":
		req.Header.Set("Authorization", "Bearer "+token)
	case s.as != "":
		req.AddCookie(r.cookie(s.as))
	}
	for name, value := range s.headers {
		req.Header.Set(name, r.fill(value))
	}
	resp, err := r.world.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// cookie is that of a user's session, who is signed in when there is none yet.
func (r *runner) cookie(user string) *http.Cookie {
	r.world.t.Helper()
	if c := r.cookies[user]; c != nil {
		return c
	}
	body := fmt.Sprintf(`{"username":%q,"password":%q}`, user, password)
	resp, err := r.world.client.Post("http://"+r.world.address+"/api/v1/session", "application/json", strings.NewReader(body))
	if err != nil {
		r.world.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		r.world.t.Fatalf("%s cannot sign in: %s", user, resp.Status)
	}
	r.cookies[user] = resp.Cookies()[0]
	return r.cookies[user]
}

// fill puts what was kept into a text.
func (r *runner) fill(text string) string {
	return os.Expand(text, func(name string) string {
		value, ok := r.kept[name]
		if !ok {
			r.world.t.Fatalf("nothing was kept as %s", name)
		}
		return value
	})
}

// find is a string of an answer: "ETag" is the header, "a.b" a field, "a.0" the
// first of a list.
func find(t *testing.T, name string, in answer, path string) string {
	t.Helper()
	if path == "ETag" {
		return strings.Trim(in.headers.Get(path), `"`)
	}
	var value any
	err := json.Unmarshal(in.body, &value)
	for step := range strings.SplitSeq(path, ".") {
		if list, ok := value.([]any); ok {
			if i, no := strconv.Atoi(step); no == nil && i < len(list) {
				value = list[i]
				continue
			}
		}
		object, ok := value.(map[string]any)
		if !ok {
			err = errors.Join(err, errors.New("no object"))
		}
		value = object[step]
	}
	text, ok := value.(string)
	if err != nil || !ok {
		t.Fatalf("%s: the answer has no text at %s (%v): %s", name, path, err, in.body)
	}
	return text
}
