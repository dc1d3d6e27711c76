package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"github.com/heddle-mesh/heddle/mesh"
)

// maxConnections bounds the connections of each TCP port; more wait. Every open
// page of the console has one for as long as it is open.
const maxConnections = 1024

// tryPortEvery is how often a port is tried again that another program has.
const tryPortEvery = 2 * time.Second

// ports opens the TCP ports of the control plane. One that another program has
// keeps nothing else from being served.
type ports struct {
	log *slog.Logger

	mu       sync.Mutex
	problems map[string]mesh.Finding // by what is not offered
}

func newPorts(log *slog.Logger) *ports {
	return &ports{log: log, problems: map[string]mesh.Finding{}}
}

// listen opens a port, and waits for it while another program has it; findings
// say why it is not open. The setting is what moves it to another address.
func (p *ports) listen(ctx context.Context, what, address, setting string) (net.Listener, error) {
	retry := time.NewTicker(tryPortEvery)
	defer retry.Stop()
	for first := true; ; first = false {
		l, err := net.Listen("tcp", address)
		if err == nil {
			p.opened(what, address)
			return netutil.LimitListener(l, maxConnections), nil
		}
		taken := errors.Is(err, syscall.EADDRINUSE)
		err = fmt.Errorf("%s: listen on %s: %w", what, address, err)
		if taken {
			err = fmt.Errorf("%s: %s is in use by another program; stop that, or choose another address with %s; it is tried again every %v", what, address, setting, tryPortEvery)
		}
		if first {
			p.failed(what, address, err)
		}
		if !taken {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-retry.C:
		}
	}
}

func (p *ports) opened(what, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, late := p.problems[what]; late {
		p.log.Info("service is offered now", "service", what, "address", address)
		delete(p.problems, what)
	}
}

func (p *ports) failed(what, address string, err error) {
	p.log.Error("service is not offered", "service", what, "error", err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems[what] = mesh.Finding{
		Code: mesh.CodePort, Severity: mesh.Warning, Phase: mesh.PhaseRuntime, Message: err.Error(),
		Params: map[string]string{"service": what, "address": address},
	}
}

// findings are the services that are not offered.
func (p *ports) findings() []mesh.Finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []mesh.Finding
	for _, what := range slices.Sorted(maps.Keys(p.problems)) {
		out = append(out, p.problems[what])
	}
	return out
}
