package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Load is constant traffic through the gateway. It is open-loop: requests are
// sent on time whether or not answers come.
type Load struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	sent   int
	failed []string
	times  []time.Duration
}

// StartLoad sends rate requests a second until Stop.
func StartLoad(ctx context.Context, url string, rate int, header ...string) *Load {
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{cancel: cancel, done: make(chan struct{})}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	go func() {
		defer close(l.done)
		var running sync.WaitGroup
		defer running.Wait()
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				running.Go(func() { l.one(client, url, header) })
			}
		}
	}()
	return l
}

func (l *Load) one(client *http.Client, url string, header []string) {
	began := time.Now()
	// Not the load's context: what was sent is waited for.
	req, err := http.NewRequest(http.MethodGet, url, nil)
	problem := ""
	if err == nil {
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		var resp *http.Response
		if resp, err = client.Do(req); err == nil {
			var body []byte
			body, err = io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && resp.StatusCode != http.StatusOK {
				problem = fmt.Sprintf("%d %.120s", resp.StatusCode, body)
			}
		}
	}
	if err != nil {
		problem = err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	l.times = append(l.times, time.Since(began))
	if problem != "" {
		l.failed = append(l.failed, began.Format("15:04:05.000 ")+problem)
	}
}

// Stop ends the load, waits for the last answers, and says how many requests
// were sent and what failed.
func (l *Load) Stop() (sent int, failed []string) {
	l.cancel()
	<-l.done
	return l.sent, l.failed
}
