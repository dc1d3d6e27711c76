package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
	cluster "github.com/heddle-mesh/heddle/mesh/source/local"
)

func TestMain(m *testing.M) {
	if handled, code := RoleMain(os.Args[1:]); handled {
		os.Exit(code)
	}
	if len(os.Args) > 1 && os.Args[1] == "testapp" {
		if err := testApp(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testApp is what the pods of these tests run.
func testApp(args []string) error {
	switch args[0] {
	case "serve": // answers with its version, and ends in order
		text := strings.Join(args[2:], " ")
		server := &http.Server{Addr: args[1], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if file := os.Getenv("READY_FILE"); r.URL.Path == "/ready" && file != "" {
				if _, err := os.Stat(file); err != nil {
					http.Error(w, "not yet", http.StatusServiceUnavailable)
					return
				}
			}
			fmt.Fprint(w, text)
		})}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		go func() {
			<-stop
			server.Shutdown(context.Background())
		}()
		fmt.Println("listening")
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		fmt.Println("ended in order")
		return nil
	case "get":
		resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(args[1])
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(os.Stdout, resp.Body)
		return err
	case "fail":
		return errors.New("this program never works")
	}
	return fmt.Errorf("unknown %q", args)
}

// declared is a source whose objects the tests set.
type declared struct {
	changes chan []*mesh.Object
}

func (d *declared) Name() string { return "files" }

func (d *declared) Run(ctx context.Context, out chan<- source.Update) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case objects := <-d.changes:
			select {
			case out <- source.Update{Source: "files", Objects: objects}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// bed is a running cluster.
type bed struct {
	t       *testing.T
	s       *Supervisor
	c       *Client
	source  *declared
	self    string
	objects map[mesh.Ref]*mesh.Object
	cancel  context.CancelFunc
	done    chan error
}

func start(t *testing.T, change func(*Options)) *bed {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, source: &declared{make(chan []*mesh.Object)}, self: self, objects: map[mesh.Ref]*mesh.Object{}, done: make(chan error, 1)}
	o := Options{
		State: t.TempDir(), Source: b.source, Self: self, Root: []byte("root"),
		HostPorts: map[uint16]uint16{80: freePort(t)}, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	if b.s, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.c = NewClient(b.s.o.State)
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() { b.done <- b.s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-b.done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return b
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// apply declares objects besides those there are.
func (b *bed) apply(objects ...metav1.Object) {
	b.t.Helper()
	for _, o := range objects {
		o.SetNamespace("default")
		made, err := cluster.NewObject(o, mesh.Origin{Source: "files", File: "test.yaml", Line: 1})
		if err != nil {
			b.t.Fatal(err)
		}
		b.objects[made.Ref] = made
	}
	b.send()
}

func (b *bed) send() {
	b.t.Helper()
	var all []*mesh.Object
	for _, o := range b.objects {
		all = append(all, o)
	}
	select {
	case b.source.changes <- all:
	case <-time.After(10 * time.Second):
		b.t.Fatal("the supervisor does not take objects")
	}
}

func (b *bed) deployment(name, version string, change func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}}
	t := &d.Spec.Template
	t.Labels = map[string]string{"app": name}
	t.Annotations = map[string]string{"sidecar.istio.io/inject": "false"}
	t.Spec.Containers = []corev1.Container{{
		Name: "app", Command: []string{b.self}, Args: []string{"testapp", "serve", ":8080", version},
		Ports:          []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromString("web")}}, PeriodSeconds: 1},
	}}
	if change != nil {
		change(d)
	}
	return d
}

func lbService(name string, kind corev1.ServiceType) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}}
	s.Spec.Type, s.Spec.Selector = kind, map[string]string{"app": name}
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("web")}}
	return s
}

// await waits until the status is as wished.
func (b *bed) await(what string, wished func(Status) bool) Status {
	b.t.Helper()
	var last Status
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := b.c.Status(b.t.Context())
		if err == nil {
			if last = s; wished(s) {
				return s
			}
		}
		select {
		case <-tick.C:
		case err := <-b.done:
			b.done <- err
			b.t.Fatalf("the cluster ended: %v", err)
		case <-limit:
			b.t.Fatalf("never %s: %+v", what, last)
		}
	}
}

func (b *bed) get(pod, url string) string {
	b.t.Helper()
	r, err := b.c.Exec(b.t.Context(), ExecRequest{Pod: pod, Argv: []string{b.self, "testapp", "get", url}})
	if err != nil {
		b.t.Fatalf("exec in %s: %v", pod, err)
	}
	if r.Code != 0 {
		return "error: " + string(r.Stderr)
	}
	return string(r.Stdout)
}

func finding(s Status, code, text string) bool {
	for _, f := range s.Findings {
		if f.Code == code && strings.Contains(f.Message, text) {
			return true
		}
	}
	return false
}
