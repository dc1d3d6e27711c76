package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// loadVisitors is how many requests wait for an answer at most. More would
	// not be more load, once a machine is too slow for the rate, but a spiral:
	// each request beyond the others needs a connection of its own, at every hop,
	// and the handshakes take the time that the answers need.
	loadVisitors = 64
	// loadPatience is how long a visitor waits before a request has failed.
	loadPatience = 10 * time.Second
	// loadLate is how long after its time a request counts as late.
	loadLate = 100 * time.Millisecond
	// brokenPart marks a part of the page that productpage could not get: the
	// status is 200 all the same.
	brokenPart = `class="failed"`
)

// Load is visitors of a page through the gateway, on a schedule: request number
// n is due n/rate seconds after the start, whether or not answers come. One that
// finds all visitors busy is sent as soon as one is free; none is left out.
type Load struct {
	client  *http.Client
	url     string
	header  http.Header
	rate    int
	began   time.Time
	lasted  time.Duration   // of the schedule
	ctx     context.Context // ends the schedule
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	claimed int // requests that have a visitor, who may wait for their time
	sent    int
	late    int
	behind  time.Duration   // the latest of all
	took    []time.Duration // from the time when a request was due
	failed  []string
}

// StartLoad sends rate requests a second until Stop.
func StartLoad(ctx context.Context, url string, rate int, header ...string) *Load {
	l := &Load{
		client: &http.Client{Timeout: loadPatience, Transport: &http.Transport{MaxIdleConnsPerHost: loadVisitors}},
		url:    url, header: http.Header{}, rate: rate, began: time.Now(),
	}
	for i := 0; i+1 < len(header); i += 2 {
		l.header.Set(header[i], header[i+1])
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	for range loadVisitors {
		l.running.Go(l.visitor)
	}
	return l
}

// visitor sends requests one after the other, each at its time or, when that is
// over, at once.
func (l *Load) visitor() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for l.ctx.Err() == nil {
		l.mu.Lock()
		due := l.began.Add(time.Duration(l.claimed) * time.Second / time.Duration(l.rate))
		l.claimed++
		l.mu.Unlock()
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
			l.visit(due)
		case <-l.ctx.Done():
		}
	}
}

func (l *Load) visit(due time.Time) {
	began := time.Now()
	l.mu.Lock()
	l.sent++
	if behind := began.Sub(due); behind > loadLate {
		l.late++
		l.behind = max(l.behind, behind)
	}
	l.mu.Unlock()
	err := l.ask()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, time.Since(due))
	if err != nil {
		l.failed = append(l.failed, fmt.Sprintf("%s after %v: %v", began.Format("15:04:05.000"), time.Since(began).Round(time.Millisecond), err))
	}
}

// ask makes one request; what is not the whole page is an error.
func (l *Load) ask() error {
	// Not with the schedule's context: what was sent is waited for.
	req, err := http.NewRequest(http.MethodGet, l.url, nil)
	if err != nil {
		return err
	}
	req.Header = l.header.Clone()
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%d %.120s", resp.StatusCode, body)
	}
	if i := strings.Index(string(body), brokenPart); i >= 0 {
		return fmt.Errorf("the page lacks a part: %.160s", body[i:])
	}
	return nil
}

// Wait lets d of the schedule pass: d is over, and nine tenths of the requests
// that are due in it were sent. Where the machine cannot keep the rate it takes
// longer, so that what a test does between waits meets as many requests anywhere.
func (l *Load) Wait(t TestingT, d time.Duration) {
	t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.sent
	}
	end, before, want := time.Now().Add(d), count(), int(d.Seconds()*float64(l.rate)*9/10)
	Eventually(t, d+30*time.Second, "the load goes on", func() error {
		if now := count() - before; now < want {
			return fmt.Errorf("%d of %d requests were sent", now, want)
		}
		if left := time.Until(end); left > 0 {
			return fmt.Errorf("%v are left", left)
		}
		return nil
	})
}

// Stop ends the load, waits for the last answers, and says how many requests
// were sent and what failed.
func (l *Load) Stop() (sent int, failed []string) {
	l.lasted = time.Since(l.began)
	l.cancel()
	l.running.Wait()
	l.client.CloseIdleConnections()
	return l.sent, l.failed
}

// Pace says of a load that was stopped how it kept its schedule. Times count from
// when a request was due, so that a late one does not pass for a quick one.
func (l *Load) Pace() string {
	slices.Sort(l.took)
	at := func(share float64) time.Duration {
		if len(l.took) == 0 {
			return 0
		}
		return l.took[int(share*float64(len(l.took)-1))].Round(time.Millisecond)
	}
	return fmt.Sprintf("%.0f of %d requests/s over %v; answers after %v (median), %v (99 %%), %v (slowest); %d sent late, by up to %v",
		float64(l.sent)/l.lasted.Seconds(), l.rate, l.lasted.Round(time.Millisecond), at(.5), at(.99), at(1), l.late, l.behind.Round(time.Millisecond))
}
