package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/app"
	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/mesh/plain"
	"github.com/heddle-mesh/heddle/mesh/private"
	"github.com/heddle-mesh/heddle/mesh/source/file"
	"github.com/heddle-mesh/heddle/xds/envoy"
)

// upFlags are the flags of `heddle up`.
type upFlags struct {
	envoy, console   string
	tlsCert, tlsKey  string
	trustedProxies   []string
	prometheus       string
	jaeger           string
	podRange, svcs   string
	trustDomain      string
	hostPorts        []string
	detach, watch    bool
	timeout          time.Duration
	background       bool // somebody else waits, shows what is said until all is ready, and leaves
	proxyConcurrency int
}

func newUp(g *globals) *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up [PATH…]",
		Short: "Run the mesh on this machine: control plane, sidecars, applications",
		Long: `Run the mesh on this machine, without root and without containers. Each pod has
network, address and name of its own; its traffic goes through a real Envoy.

The manifests at PATH are applied first: an object when it is new, or when its
manifest changed since it was last applied. An object that is no longer in the
manifest that it was applied from is removed, unless it was edited since.`,
		Example: "  heddle up deploy/samples/bookinfo\n  heddle up --detach manifests/",
	}
	fl := cmd.Flags()
	fl.StringVar(&f.envoy, "envoy", "", "`path` of Envoy (else $PATH, else the state folder's own)")
	fl.StringVar(&f.console, "console", "127.0.0.1:20001", "`address` of the console")
	fl.StringVar(&f.tlsCert, "tls-cert", "", "certificate `file` for --console (PEM)")
	fl.StringVar(&f.tlsKey, "tls-key", "", "key `file` for --console (PEM)")
	fl.StringArrayVar(&f.trustedProxies, "trusted-proxy", nil, "`address` or range of a proxy that people come through to the console")
	fl.StringVar(&f.prometheus, "prometheus-url", "", "read metrics from this Prometheus instead of the built-in one")
	fl.StringVar(&f.jaeger, "jaeger-addr", "", "read traces from this Jaeger query `address` instead of the built-in store")
	fl.StringVar(&f.podRange, "pod-range", "10.66.0.0/16", "addresses of pods; choose another when a VPN uses them")
	fl.StringVar(&f.svcs, "service-range", "10.96.0.0/16", "addresses of services")
	fl.StringVar(&f.trustDomain, "trust-domain", "cluster.local", "trust domain of the mesh's identities")
	fl.StringArrayVar(&f.hostPorts, "host-port", nil, "`PORT=HOSTPORT` of LoadBalancer services (default 80=8080 and 443=8443)")
	fl.IntVar(&f.proxyConcurrency, "proxy-concurrency", 1, "worker `threads` of each Envoy")
	fl.BoolVar(&f.detach, "detach", false, "come back to the prompt as soon as everything is ready")
	fl.DurationVar(&f.timeout, "timeout", time.Minute, "with --detach: wait so long for everything to be ready")
	fl.BoolVar(&f.background, "in-background", false, "")
	_ = fl.MarkHidden("in-background")
	fl.BoolVar(&f.watch, "watch", false, "apply the manifests at PATH whenever they change")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		state, err := filepath.Abs(g.state)
		if err != nil {
			return err
		}
		if err := private.Folder(state); err != nil {
			return err
		}
		if f.detach {
			return detach(cmd, state, f.timeout)
		}
		return up(cmd.Context(), state, f, args, cmd.ErrOrStderr())
	}
	return cmd
}

func up(ctx context.Context, state string, f upFlags, paths []string, w io.Writer) error {
	began := time.Now()
	ctx, left := whileTerminal(ctx)
	defer left()
	options, err := f.options(state)
	if err != nil {
		return err
	}
	if err := local.Preflight(); err != nil {
		return err
	}
	found, err := envoy.Find(ctx, f.envoy, state)
	if err != nil {
		return err
	}
	options.EnvoyPath = found.Path
	if err := notRunning(ctx, state); err != nil {
		return err
	}
	if err := consoleFree(f.console); err != nil {
		return err
	}
	logFile, err := openLog(state)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := slog.New(slog.NewTextHandler(logFile, nil))
	options.Log = log

	store, err := file.Open(filepath.Join(state, "config"), file.Options{Log: log})
	if err != nil {
		return err
	}
	if err := firstAdministrator(ctx, state, log, w); err != nil {
		return err
	}
	if len(paths) > 0 {
		report, err := store.ApplyManifests(ctx, paths)
		if err != nil {
			return err
		}
		printReport(w, report)
	}
	options.Source, options.Placed = store, store.Placed
	authority, err := ca.Open(filepath.Join(state, "ca"), f.trustDomain)
	if err != nil {
		return err
	}
	options.Root = authority.Root()
	supervisor, err := local.New(options)
	if err != nil {
		return err
	}
	// What goes on beside the supervisor ends with it, also when it ended because
	// somebody asked it to.
	stopping := make(chan time.Time, 1)
	unsaid := context.AfterFunc(ctx, func() {
		fmt.Fprint(w, "\nstopping …")
		stopping <- time.Now()
	})
	ctx, ended := context.WithCancel(ctx)
	defer ended()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer ended()
		return supervisor.Run(ctx)
	})
	later := w // where to say what happens from now on
	if f.background {
		later = logFile
	} else {
		group.Go(func() error {
			if status, ok := newProgress(w, began).wait(ctx, local.NewClient(state)); ok {
				announce(w, status, began, true)
			}
			return nil
		})
	}
	if f.watch && len(paths) > 0 {
		group.Go(func() error {
			return watchPaths(ctx, paths, log, func() error {
				report, err := store.ReapplyManifests(ctx, paths)
				if err == nil && len(report.Applied)+len(report.Removed)+len(report.Findings) > 0 {
					printReport(later, report)
				}
				return err
			})
		})
	}
	err = group.Wait()
	if !unsaid() {
		fmt.Fprintf(w, " stopped after %.1f s\n", time.Since(<-stopping).Seconds())
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// firstAdministrator lets somebody sign in to the console of a new mesh, and
// shows a password that was made up, this once.
func firstAdministrator(ctx context.Context, state string, log *slog.Logger, w io.Writer) error {
	s := settings.Default()
	s.State = state
	made, err := app.MakeFirstAdministrator(ctx, s, log)
	switch {
	case database.IsNotWritable(err):
		fmt.Fprintln(w, "warning: "+plain.Text(err.Error())) // the mesh runs all the same
		return nil
	case err != nil || made == nil:
		return err
	case made.Password == "":
		fmt.Fprintf(w, "the console's first user is %s, with the password of HEDDLE_ADMIN_PASSWORD\n", made.Name)
	default:
		fmt.Fprintf(w, "the console's first user is %s, with the password %s\nkeep it: it is not shown again (`heddle user passwd %s` sets another one)\n", made.Name, made.Password, made.Name)
	}
	return nil
}

// consoleURL is what people type to see the console.
func consoleURL(address string, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address)
	if ip, bad := netip.ParseAddr(host); err == nil && (host == "" || bad == nil && ip.IsUnspecified()) {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + "://" + address
}

// notRunning fails when a mesh runs on the state folder.
func notRunning(ctx context.Context, state string) error {
	running, err := local.NewClient(state).Status(ctx)
	if err != nil {
		return nil
	}
	return fmt.Errorf("a mesh already runs on %s (process %d, %s); `heddle status` shows it, `heddle down` stops it", state, running.PID, running.Console)
}

// consoleFree finds out before anything is started whether the control plane
// can have its address.
func consoleFree(address string) error {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program, and the control plane is to answer there; end that program, or choose another address with --console", address)
	case err != nil:
		return fmt.Errorf("--console: %w", err)
	}
	return l.Close()
}

func (f upFlags) options(state string) (local.Options, error) {
	var o local.Options
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	o = local.Options{
		State: state, Self: self, TrustDomain: f.trustDomain, Console: consoleURL(f.console, f.tlsCert != ""), EnvoyConcurrency: f.proxyConcurrency,
		Serve:    []string{"serve", "--state", state, "--console", f.console},
		PathDirs: append([]string{filepath.Dir(self)}, filepath.SplitList(os.Getenv("PATH"))...),
	}
	if f.tlsCert != "" || f.tlsKey != "" {
		o.Serve = append(o.Serve, "--tls-cert", f.tlsCert, "--tls-key", f.tlsKey)
	}
	if len(f.trustedProxies) > 0 {
		o.Serve = append(o.Serve, "--trusted-proxy", strings.Join(f.trustedProxies, ","))
	}
	if f.prometheus != "" {
		o.Serve = append(o.Serve, "--prometheus-url", f.prometheus)
	}
	if f.jaeger != "" {
		o.Serve = append(o.Serve, "--jaeger-addr", f.jaeger)
	}
	o.Serve = append(o.Serve, "--pod-range", f.podRange, "--trust-domain", f.trustDomain)
	if o.PodRange, err = netip.ParsePrefix(f.podRange); err != nil {
		return o, fmt.Errorf("--pod-range %q is not a range of addresses, such as 10.66.0.0/16", f.podRange)
	}
	if o.ServiceRange, err = netip.ParsePrefix(f.svcs); err != nil {
		return o, fmt.Errorf("--service-range %q is not a range of addresses, such as 10.96.0.0/16", f.svcs)
	}
	// The control plane reads the same environment.
	serve, err := settings.Load("", os.LookupEnv)
	if err != nil {
		return o, err
	}
	serve.Console, serve.Traces.JaegerAddr = f.console, cmp.Or(f.jaeger, serve.Traces.JaegerAddr)
	o.Reserved = serve.Ports()
	if len(f.hostPorts) > 0 {
		o.HostPorts = map[uint16]uint16{}
	}
	for _, entry := range f.hostPorts {
		port, host, ok := strings.Cut(entry, "=")
		p, err1 := strconv.ParseUint(port, 10, 16)
		h, err2 := strconv.ParseUint(host, 10, 16)
		if !ok || err1 != nil || err2 != nil || p == 0 || h == 0 {
			return o, fmt.Errorf("--host-port %q is not PORT=HOSTPORT, such as 80=8080", entry)
		}
		o.HostPorts[uint16(p)] = uint16(h)
	}
	return o, nil
}

// printReport says what applying manifests did.
func printReport(w io.Writer, report file.Report) {
	for _, f := range report.Findings {
		printFinding(w, f)
	}
	if slices.ContainsFunc(report.Findings, func(f mesh.Finding) bool { return f.Severity == mesh.Error }) {
		fmt.Fprintln(w, "these documents were left out; everything else is applied")
	}
	for _, gone := range report.Removed {
		fmt.Fprintf(w, "removed %s, which is no longer in %s\n", plain.Text(gone.Ref.String()), plain.Text(gone.From))
	}
	fmt.Fprintf(w, "applied %d objects, %d unchanged\n", len(report.Applied), len(report.Unchanged))
	switch report.Others {
	case 0:
	case 1:
		fmt.Fprintln(w, "also in the mesh from before: 1 object that is not from these manifests (heddle get all lists it)")
	default:
		fmt.Fprintf(w, "also in the mesh from before: %d objects that are not from these manifests (heddle get all lists them)\n", report.Others)
	}
}

func openLog(state string) (*os.File, error) {
	dir := filepath.Join(state, "logs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of logs: %w", err)
	}
	return os.OpenFile(filepath.Join(dir, "supervisor.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// detach starts the same command in the background and waits until its mesh is
// ready, or it ended.
func detach(cmd *cobra.Command, state string, timeout time.Duration) error {
	// Else the mesh that runs would be taken for the one that is started here.
	if err := notRunning(cmd.Context(), state); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"--in-background=true"}
	for _, a := range os.Args[1:] {
		if a != "--detach" && a != "--detach=true" {
			args = append(args, a)
		}
	}
	out, err := openLog(state)
	if err != nil {
		return err
	}
	defer out.Close()
	said, err := os.CreateTemp("", "heddle-up-*")
	if err != nil {
		return err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	child := exec.Command(self, args...)
	child.Stdout, child.Stderr = out, said
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	var ended error
	go func() {
		ended = child.Wait()
		cancel()
	}()
	began := time.Now()
	waiting, enough := context.WithTimeout(ctx, timeout)
	defer enough()
	status, ok := newProgress(cmd.ErrOrStderr(), began).wait(waiting, local.NewClient(state))
	if ok {
		if text, err := os.ReadFile(said.Name()); err == nil {
			fmt.Fprint(cmd.ErrOrStderr(), string(text)) // what became of the manifests
		}
		announce(cmd.ErrOrStderr(), status, began, false)
		return nil
	}
	if text, err := os.ReadFile(said.Name()); err == nil && (ctx.Err() == nil || cmd.Context().Err() != nil) {
		fmt.Fprint(cmd.ErrOrStderr(), string(text)) // it may have a password that is shown once
	}
	if ctx.Err() == nil {
		return exitError{exitFailed, notReadyError(status, timeout)}
	}
	if cmd.Context().Err() != nil {
		return fmt.Errorf("the mesh goes on starting in the background; `heddle status` shows how far it is")
	}
	text, _ := os.ReadFile(said.Name())
	return exitError{exitUnusable, fmt.Errorf("it ended (%v): %s", ended, strings.TrimSpace(string(text)))}
}

// notReadyError says what a mesh in the background still waits for.
func notReadyError(s local.Status, timeout time.Duration) error {
	text := fmt.Sprintf("not everything is ready after %v; the mesh runs on, and `heddle down` stops it. It waits for:", timeout)
	for _, line := range obstacles(s) {
		text += "\n  " + line
	}
	return errors.New(text)
}
