// Command picky stands in the place of Envoy in a pod: its agent starts it, and
// it asks for what Envoy asks for. It takes everything but resources that hold a
// given text, which it rejects with given words; so a test sees what becomes of
// a rejection without a mistake that Envoy would find. It carries no traffic.
//
//	picky TEXT WORDS [Envoy's own arguments]
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/heddle-mesh/heddle/xds/envoy"
	"github.com/heddle-mesh/heddle/xds/serve/servetest/follower"
)

// maxMessage bounds a response.
const maxMessage = 64 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "picky:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) < 2 || args[0] == "" || args[1] == "" {
		return errors.New("usage: picky TEXT WORDS [Envoy's own arguments]")
	}
	taste, args := taste{text: []byte(args[0]), words: args[1]}, args[2:]
	if slices.Contains(args, "--version") {
		_, err := fmt.Fprintf(out, "picky  version: 0/%s/Clean/RELEASE/none\n", envoy.Pinned)
		return err
	}
	at := slices.Index(args, "--config-path") + 1
	if at == 0 || at == len(args) {
		return errors.New("--config-path must name the bootstrap that the agent wrote")
	}
	text, err := os.ReadFile(args[at])
	if err != nil {
		return fmt.Errorf("read the bootstrap: %w", err)
	}
	places, err := read(text)
	if err != nil {
		return err
	}
	if err := places.serveAdmin(ctx); err != nil {
		return err
	}
	return places.follow(ctx, taste)
}

// places is what a proxy reads of its bootstrap.
type places struct {
	node, agent, admin string
}

type address struct {
	Pipe struct{ Path string }
}

func read(text []byte) (places, error) {
	var b struct {
		Node   struct{ ID string }
		Static struct {
			Clusters []struct {
				Assignment struct {
					Endpoints []struct {
						LB []struct {
							Endpoint struct{ Address address }
						} `json:"lb_endpoints"`
					}
				} `json:"load_assignment"`
			}
		} `json:"static_resources"`
		Admin struct{ Address address }
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return places{}, fmt.Errorf("read the bootstrap: %w", err)
	}
	p := places{node: b.Node.ID, admin: b.Admin.Address.Pipe.Path}
	for _, c := range b.Static.Clusters {
		for _, e := range c.Assignment.Endpoints {
			for _, lb := range e.LB {
				p.agent = lb.Endpoint.Address.Pipe.Path
			}
		}
	}
	if p.agent == "" || p.admin == "" {
		return places{}, errors.New("the bootstrap names no socket of the agent, or none for the admin interface")
	}
	return p, nil
}

// stats are those by which an agent knows that its proxy can take traffic.
const stats = "server.state: 0\n" +
	"listener_manager.total_listeners_active: 1\n" +
	"listener_manager.total_listeners_warming: 0\n" +
	"listener_manager.workers_started: 1\n"

// serveAdmin answers what the agent asks its proxy, until ctx ends.
func (p places) serveAdmin(ctx context.Context) error {
	if err := os.Remove(p.admin); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what an earlier proxy left: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", p.admin)
	if err != nil {
		return fmt.Errorf("serve the admin interface: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = l.Close() }) // the process ends with it
	mux := http.NewServeMux()
	say := func(path, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, text) // who asked is gone
		})
	}
	say("/", "")
	say("/stats", stats)
	say("/config_dump", `{"configs": []}`)
	say("/logging", "active loggers:\n  picky: warning\n")
	go func() { _ = http.Serve(l, mux) }() // it ends with the listener
	return nil
}

// follow asks for everything and answers, until the stream ends.
func (p places) follow(ctx context.Context, t taste) error {
	conn, err := grpc.NewClient("unix://"+p.agent, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return fmt.Errorf("connect to the agent: %w", err)
	}
	defer conn.Close()
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		return fmt.Errorf("open the stream: %w", err)
	}
	f := follower.New()
	first := f.First()
	first.Node = &corev3.Node{Id: p.node}
	requests := []*discoveryv3.DeltaDiscoveryRequest{first}
	for {
		for _, q := range requests {
			if err := stream.Send(q); err != nil {
				return fmt.Errorf("ask: %w", err)
			}
		}
		r, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("hear: %w", err)
		}
		if requests, err = t.answer(f, r); err != nil {
			return err
		}
	}
}

// taste is what is rejected, and how.
type taste struct {
	text  []byte
	words string
}

func (t taste) answer(f *follower.Follower, r *discoveryv3.DeltaDiscoveryResponse) ([]*discoveryv3.DeltaDiscoveryRequest, error) {
	for _, x := range r.GetResources() {
		if bytes.Contains(x.GetResource().GetValue(), t.text) {
			return []*discoveryv3.DeltaDiscoveryRequest{f.Rejected(r, t.words)}, nil
		}
	}
	return f.Taken(r)
}
