package sandbox

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// quickProbe is the first pause between probes of a container that has not
// been good yet: most are within moments, long before their period is over.
const quickProbe = 50 * time.Millisecond

// watch probes a running program until ctx ends: whether it has started, then
// whether it is ready and alive. bad is called when it must be started anew.
func (c *container) watch(ctx context.Context, bad func(reason string)) {
	if p := c.spec.Startup; p != nil {
		if !c.awaitStartup(ctx, p, bad) {
			return
		}
	}
	if p := c.spec.Liveness; p != nil {
		// Never sooner than asked for: a program that is slow to start is alive.
		go c.probe(ctx, p, p.Period, func(good bool, err error) {
			if !good {
				bad(fmt.Sprintf("the liveness probe failed: %v", err))
			}
		})
	}
	if c.spec.Readiness == nil {
		c.ready(ctx, true, nil)
		<-ctx.Done()
		return
	}
	c.probe(ctx, c.spec.Readiness, quickProbe, func(good bool, err error) { c.ready(ctx, good, err) })
}

func (c *container) ready(ctx context.Context, good bool, err error) {
	c.update(func(s *ContainerStatus) {
		if ctx.Err() != nil {
			return // the program ended meanwhile
		}
		s.Ready, s.Message = good, ""
		if !good {
			s.Message = fmt.Sprintf("not ready: %v", err)
		}
	})
}

// awaitStartup waits for the first success; false when the program ended or
// was given up.
func (c *container) awaitStartup(ctx context.Context, p *Probe, bad func(string)) bool {
	limit := time.After(p.patience())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan struct{}, 1)
	last := make(chan error, 1)
	go c.probe(ctx, p, quickProbe, func(good bool, err error) {
		if good {
			started <- struct{}{}
			cancel()
			return
		}
		select {
		case <-last:
		default:
		}
		last <- err
	})
	select {
	case <-started:
		return true
	case <-limit:
		err := context.DeadlineExceeded
		select {
		case e := <-last:
			err = e
		default:
		}
		bad(fmt.Sprintf("the startup probe failed: %v", err))
		return false
	case <-ctx.Done():
		select {
		case <-started:
			return true
		default:
			return false
		}
	}
}

// patience is how long the first success may take. What is longer than a
// Duration can say is for ever.
func (p *Probe) patience() Duration {
	const ever Duration = math.MaxInt64
	if p.Period > 0 && Duration(p.Failures) > (ever-p.InitialDelay)/p.Period {
		return ever
	}
	return p.InitialDelay + Duration(p.Failures)*p.Period
}

// probe asks again and again, and reports when the answer changes for good: the
// first success or failure that counts, and each change after it. Before the
// first success the pauses grow from first to the probe's period.
func (c *container) probe(ctx context.Context, p *Probe, first time.Duration, report func(good bool, err error)) {
	if !pause(ctx, p.InitialDelay) {
		return
	}
	var known, good bool
	wait := min(first, p.Period)
	for successes, failures := 0, 0; ; {
		err := c.ask(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			successes, failures = successes+1, 0
			if successes >= max(p.Successes, 1) && (!known || !good) {
				known, good = true, true
				report(true, nil)
			}
		} else {
			failures, successes = failures+1, 0
			if failures >= max(p.Failures, 1) && (!known || good) {
				known, good = true, false
				report(false, err)
			}
		}
		if good {
			wait = p.Period
		}
		if !pause(ctx, wait) {
			return
		}
		wait = min(wait*3/2, p.Period)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ask makes one probe.
func (c *container) ask(ctx context.Context, p *Probe) error {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	switch {
	case p.HTTP != nil:
		return c.askHTTP(ctx, p.HTTP)
	case p.TCP != nil:
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(p.TCP.Host, strconv.Itoa(int(p.TCP.Port))))
		if err != nil {
			return err
		}
		return conn.Close()
	case p.GRPC != nil:
		return askGRPC(ctx, p.GRPC)
	default:
		return c.askExec(ctx, p.Exec)
	}
}

func (c *container) askHTTP(ctx context.Context, p *HTTPProbe) error {
	path, query, _ := cutQuery(p.Path)
	u := url.URL{Scheme: p.Scheme, Host: net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))), Path: path, RawQuery: query}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "kube-probe/heddle")
	for _, h := range p.Headers {
		if http.CanonicalHeaderKey(h[0]) == "Host" {
			req.Host = h[1]
			continue
		}
		req.Header.Add(h[0], h[1])
	}
	// A connection of its own each time, as a program that hangs in accept
	// would answer on an old one. The certificate is not what is asked about.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if p.Restarts != "" {
		c.told(resp.Header.Get(p.Restarts))
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("GET %s answered %d %s", p.Path, resp.StatusCode, text)
	}
	return nil
}

// told takes a running program's word for how often it started anew what it runs
// itself; what is no number says nothing.
func (c *container) told(restarts string) {
	n, err := strconv.ParseUint(restarts, 10, 31)
	if err != nil {
		return
	}
	c.update(func(s *ContainerStatus) { s.Inner = max(s.Inner, c.inner+int(n)) })
}

func cutQuery(path string) (string, string, bool) {
	u, err := url.Parse(path)
	if err != nil {
		return path, "", false
	}
	return u.Path, u.RawQuery, u.RawQuery != ""
}

func askGRPC(ctx context.Context, p *GRPCProbe) error {
	conn, err := grpc.NewClient("passthrough:///"+net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	resp, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: p.Service})
	if err != nil {
		return err
	}
	if resp.Status != healthv1.HealthCheckResponse_SERVING {
		return fmt.Errorf("the health service answered %s", resp.Status)
	}
	return nil
}

func (c *container) askExec(ctx context.Context, argv []string) error {
	cmd := c.pod.command(argv, c.spec.Env, c.spec.Dir, false)
	if err := c.pod.starter.Start(cmd); err != nil {
		return unwrapPath(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
		return fmt.Errorf("%s took too long", argv[0])
	}
}
