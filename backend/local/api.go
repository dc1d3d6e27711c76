package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/private"
)

// openAPI serves the supervisor's own socket, to its owner alone.
func (s *Supervisor) openAPI() error {
	l, err := private.Listen(SocketPath(s.o.State))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", s.getStatus)
	mux.HandleFunc("GET /logs", s.getLogs)
	mux.HandleFunc("POST /down", s.postDown)
	mux.HandleFunc("POST /exec", s.postExec)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	s.running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.o.Log.Error("supervisor socket failed", "error", err)
		}
	})
	// Status can be asked for until all has ended.
	s.running.Go(func() {
		<-s.ended
		server.Close()
	})
	return nil
}

// Status is how the cluster is. It fails when the cluster has ended.
func (s *Supervisor) Status() (Status, error) {
	var out Status
	var declared map[mesh.Ref]*mesh.Object // never changed, but replaced
	if !s.ask(func() { out, declared = s.snapshot(), s.declared.Objects }) {
		return Status{}, errors.New("the cluster has ended")
	}
	if s.o.Placed != nil && len(out.Findings) > 0 { // not in the loop: it reads files
		var err error
		if out.Findings, err = s.o.Placed(out.Findings, slices.Collect(maps.Values(declared))); err != nil {
			s.o.Log.Warn("findings do not name places", "error", err)
		}
	}
	return out, nil
}

func (s *Supervisor) getStatus(w http.ResponseWriter, _ *http.Request) {
	status, err := s.Status()
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	answer(w, status)
}

func (s *Supervisor) postDown(w http.ResponseWriter, _ *http.Request) {
	s.o.Log.Info("asked to stop")
	w.WriteHeader(http.StatusAccepted)
	s.down(errDown)
}

// getLogs gives the output of a container: pod=NAME or NAMESPACE/NAME, which
// may also name a Deployment; container=NAME, "proxy" for the proxy; tail=N
// lines; follow=true.
func (s *Supervisor) getLogs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, err := s.lookup(q.Get("pod"))
	if err != nil {
		refuse(w, http.StatusNotFound, err)
		return
	}
	container, err := p.container(q.Get("container"))
	if err != nil {
		refuse(w, http.StatusNotFound, err)
		return
	}
	tail := -1
	if text := q.Get("tail"); text != "" {
		if tail, err = strconv.Atoi(text); err != nil {
			refuse(w, http.StatusBadRequest, fmt.Errorf("tail=%s is not a number of lines", text))
			return
		}
	}
	var log *logSink
	s.ask(func() { log = s.logs[s.logPath(p.Key, container)] })
	if log == nil {
		refuse(w, http.StatusNotFound, fmt.Errorf("container %s of pod %s has not said anything yet", container, p.Name))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := log.copyTo(r.Context(), flushed{w}, tail, q.Get("follow") == "true"); err != nil {
		s.o.Log.Debug("log not delivered", "error", err)
	}
}

// flushed sends everything at once.
type flushed struct{ http.ResponseWriter }

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if err == nil {
		err = http.NewResponseController(f.ResponseWriter).Flush()
	}
	return n, err
}

// ExecRequest is a command to be run in a pod, beside its containers.
type ExecRequest struct {
	Pod       string   `json:"pod"`                 // as for logs
	Container string   `json:"container,omitempty"` // whose variables and folder it has
	Argv      []string `json:"argv"`
	Stdin     []byte   `json:"stdin,omitempty"`
}

// ExecResult is how it ended.
type ExecResult struct {
	Stdout []byte `json:"stdout"`
	Stderr []byte `json:"stderr"`
	Code   int    `json:"code"`
}

func (s *Supervisor) postExec(w http.ResponseWriter, r *http.Request) {
	var in ExecRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, 32<<20)).Decode(&in); err != nil || len(in.Argv) == 0 {
		refuse(w, http.StatusBadRequest, errors.Join(errors.New("a command is expected"), err))
		return
	}
	p, err := s.lookup(in.Pod)
	if err != nil {
		refuse(w, http.StatusNotFound, err)
		return
	}
	out, err := s.exec(r.Context(), p, in)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err)
		return
	}
	answer(w, out)
}

func (s *Supervisor) exec(ctx context.Context, p *pod, in ExecRequest) (ExecResult, error) {
	env, dir := []string{}, "/"
	for _, v := range s.baseEnv(p.spec.Hostname) {
		env = append(env, v[0]+"="+v[1])
	}
	for i, c := range p.spec.Containers {
		if in.Container == c.Name || in.Container == "" && i == 0 {
			env, dir = c.Env, c.Dir
		}
	}
	path, err := s.find(in.Argv[0], dir)
	if err != nil {
		return ExecResult{}, err
	}
	files, err := newPipes(in.Stdin)
	if err != nil {
		return ExecResult{}, err
	}
	argv := append([]string{path}, in.Argv[1:]...)
	code, err := s.machine.Exec(p.id, argv, env, dir, files.stdin, files.stdout, files.stderr, ctx.Done())
	stdout, stderr := files.collect()
	if err != nil {
		return ExecResult{}, err
	}
	return ExecResult{stdout, stderr, code}, nil
}

// pipes are the standard files of a command.
type pipes struct {
	stdin, stdout, stderr *os.File   // the command's ends
	near                  []*os.File // ours
	out, err              chan []byte
}

// execGrace is how long what a command said may arrive after its end. Programs
// that it left behind may hold its output open for as long as they run.
const execGrace = 200 * time.Millisecond

func newPipes(stdin []byte) (*pipes, error) {
	var files []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			return nil, fmt.Errorf("make a pipe: %w", err)
		}
		files = append(files, r, w)
	}
	p := &pipes{stdin: files[0], stdout: files[3], stderr: files[5], near: []*os.File{files[1], files[2], files[4]}, out: make(chan []byte, 1), err: make(chan []byte, 1)}
	go func() {
		defer files[1].Close()
		// A command that does not read its input is no error.
		_, _ = files[1].Write(stdin)
	}()
	read := func(f *os.File, to chan<- []byte) {
		defer f.Close()
		text, _ := io.ReadAll(io.LimitReader(f, 32<<20)) // what was said before it broke counts
		to <- text
	}
	go read(files[2], p.out)
	go read(files[4], p.err)
	return p, nil
}

func (p *pipes) collect() (stdout, stderr []byte) {
	p.stdin.Close()
	p.stdout.Close()
	p.stderr.Close()
	limit := time.Now().Add(execGrace)
	for _, f := range p.near {
		_ = f.SetDeadline(limit) // it fails for those that are closed, which are at their end
	}
	return <-p.out, <-p.err
}

// lookup finds a pod by its name, or the first one of a Deployment; the
// namespace before a slash is optional where the name says enough.
func (s *Supervisor) lookup(name string) (*pod, error) {
	namespace, short, ok := strings.Cut(name, "/")
	if !ok {
		namespace, short = "", name
	}
	var exact, owned []*pod
	var all []string
	s.ask(func() {
		for _, p := range s.sorted() {
			all = append(all, p.Name)
			if namespace != "" && p.Namespace != namespace {
				continue
			}
			switch {
			case p.Name == short:
				exact = append(exact, p)
			case p.Deployment.Name == short && !p.Terminating:
				owned = append(owned, p)
			}
		}
		slices.SortStableFunc(owned, func(a, b *pod) int { // a ready one first
			return compareBool(b.Ready, a.Ready)
		})
	})
	found := append(exact, owned...)
	if len(found) == 0 {
		const shown = 12
		if len(all) > shown {
			return nil, fmt.Errorf("there is no pod %q; `heddle status` lists them", name)
		}
		return nil, fmt.Errorf("there is no pod %q; there are %s", name, strings.Join(all, ", "))
	}
	for _, p := range found[1:] {
		if p.Namespace != found[0].Namespace {
			return nil, fmt.Errorf("%q is in namespace %s and in %s: say which as NAMESPACE/NAME", name, found[0].Namespace, p.Namespace)
		}
	}
	return found[0], nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// container finds a container by name; the first that is not the proxy when
// the name is empty.
func (p *pod) container(name string) (string, error) {
	var all []string
	for _, c := range p.spec.Containers {
		all = append(all, c.Name)
	}
	for _, c := range p.spec.Init {
		all = append(all, c.Name)
	}
	if p.spec.Proxy != nil {
		all = append(all, plan.ProxyContainer)
	}
	switch {
	case name == "proxy":
		name = plan.ProxyContainer
	case name == "" && len(all) > 0:
		return all[0], nil
	}
	if !slices.Contains(all, name) {
		return "", fmt.Errorf("pod %s has no container %q; it has %s", p.Name, name, strings.Join(all, ", "))
	}
	return name, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// The caller may have gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}
