package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden files hold commands against a control plane and a supervisor that
// answer what the file says:
//
//	$ ARGS…             a command; its body is what it says: on standard output,
//	                    behind "2>" on standard error, behind "→" the exit code
//	answer METHOD PATH  "STATUS" and a body; PATH without the query
//	file NAME           a file of the working folder
//	stdin               standard input of every command
//	requests            what was asked, with bodies
//
// Without any answer no mesh runs.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	here := time.Local
	time.Local = time.UTC // as the files have it
	t.Cleanup(func() { time.Local = here })
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("HEDDLE_STATE", "state")
			t.Setenv("NO_COLOR", "1")
			t.Chdir(shortDir(t))
			fake := &fakeMesh{answers: map[string]string{}}
			stdin := ""
			for _, f := range archive.Files {
				verb, rest, _ := strings.Cut(f.Name, " ")
				switch verb {
				case "answer":
					fake.answers[rest] = string(f.Data)
				case "file":
					put(t, rest, f.Data)
				case "stdin":
					stdin = string(f.Data)
				}
			}
			if len(fake.answers) > 0 {
				fake.serve(t, "state")
			}
			for i, f := range archive.Files {
				verb, rest, _ := strings.Cut(f.Name, " ")
				got := ""
				switch verb {
				case "$":
					got = command(t, strings.Fields(rest), stdin)
				case "requests":
					got = fake.asked.String()
					if here, err := os.Getwd(); err == nil {
						got = strings.ReplaceAll(got, here, "HERE")
					}
				default:
					continue
				}
				if *update {
					archive.Files[i].Data = []byte(got)
				} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(golden, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// shortDir is a folder whose name leaves room for the path of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "heddle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func put(t *testing.T, name string, data []byte) {
	t.Helper()
	if strings.HasSuffix(name, "/") {
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs one command and gives all that it said. The folder of the test,
// another one every time, is called HERE.
func command(t *testing.T, args []string, stdin string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &said)
	text := out.String()
	for line := range strings.Lines(said.String()) {
		text += "2> " + line
	}
	return strings.ReplaceAll(text, here, "HERE") + fmt.Sprintf("→ %d\n", code)
}

// fakeMesh answers on the sockets of a control plane and of a supervisor.
type fakeMesh struct {
	answers map[string]string

	mu    sync.Mutex
	asked strings.Builder
}

func (f *fakeMesh) serve(t *testing.T, state string) {
	t.Helper()
	for _, name := range []string{"heddle.sock", "supervisor.sock"} {
		put(t, filepath.Join(state, "run")+"/", nil)
		l, err := net.Listen("unix", filepath.Join(state, "run", name))
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(f)
		s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
	}
}

func (f *fakeMesh) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	fmt.Fprintf(&f.asked, "%s %s %s\n", r.Method, r.URL.RequestURI(), body)
	f.mu.Unlock()
	answer, ok := f.answers[r.Method+" "+r.URL.Path]
	if !ok {
		answer = "404\n{\"title\": \"Not Found\", \"detail\": \"" + r.URL.Path + " does not exist\"}"
	}
	status, text, _ := strings.Cut(answer, "\n")
	code := 0
	if _, err := fmt.Sscan(status, &code); err != nil {
		panic("the golden file's answer does not begin with a status: " + answer)
	}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text)
}
