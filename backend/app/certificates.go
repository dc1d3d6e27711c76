package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/plain"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds/agent"
)

const (
	// certificateWait is how long a pod has to show its certificate.
	certificateWait = 2 * time.Second
	// askAtOnce is how many pods are asked at a time.
	askAtOnce = 8
	// maxCertificate bounds what a pod may answer, and maxNames how many names of a
	// certificate are kept.
	maxCertificate = 64 << 10
	maxNames       = 20
)

// certificates knows which certificate the proxy of each pod presents. A pod is
// asked once, and then only when its certificate should have been renewed: until
// then nothing can be wrong with it.
type certificates struct {
	ask func(context.Context, *mesh.Workload) (validate.Certificate, error)

	mu   sync.Mutex
	held map[string]validate.Certificate // by the pod's UID

	known atomic.Pointer[map[string]validate.Certificate] // held as it was last, for who does not wait
}

// present is the certificate that a pod presented when it was asked last.
func (c *certificates) present(uid string) (validate.Certificate, bool) {
	known := c.known.Load()
	if known == nil {
		return validate.Certificate{}, false
	}
	held, ok := (*known)[uid]
	return held, ok
}

// of are the certificates of all running proxies of a mesh, by workload; never
// nil. What a pod does not answer is left out; what it answered before stands.
func (c *certificates) of(ctx context.Context, s *mesh.Snapshot, now time.Time) []validate.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.held
	c.held = map[string]validate.Certificate{}
	var due []*mesh.Workload
	for w := range s.Workloads.Values() {
		if !w.Meshed && !w.Gateway || w.Phase != "Running" {
			continue
		}
		old, known := before[w.UID]
		if known {
			c.held[w.UID] = old
		}
		if !known || !now.Before(halfLife(old)) {
			due = append(due, w)
		}
	}
	answers := make([]*validate.Certificate, len(due))
	var group errgroup.Group
	group.SetLimit(askAtOnce)
	for i, w := range due {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, certificateWait)
			defer cancel()
			if got, err := c.ask(ctx, w); err == nil {
				got.Workload = ownerOf(s, w.Namespace, w.Workload, w.Pod)
				answers[i] = &got
			}
			return nil // one pod's silence concerns no other
		})
	}
	_ = group.Wait() // none fails
	for i, w := range due {
		if answers[i] != nil {
			c.held[w.UID] = *answers[i]
		}
	}
	known := maps.Clone(c.held)
	c.known.Store(&known)
	out := make([]validate.Certificate, 0, len(c.held))
	for _, held := range c.held {
		out = append(out, held)
	}
	slices.SortFunc(out, func(a, b validate.Certificate) int {
		return cmp.Or(a.Workload.Compare(b.Workload), a.NotAfter.Compare(b.NotAfter), slices.Compare(a.Names, b.Names))
	})
	return out
}

// halfLife is when a certificate is to be renewed.
func halfLife(c validate.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 2)
}

// ownerOf is the object that pods of a workload belong to: of the kinds that keep
// pods running the first that has one of the name, else the pod itself.
func ownerOf(s *mesh.Snapshot, namespace, workload, pod string) mesh.Ref {
	for _, kind := range validate.ServingKinds() {
		ref := mesh.Ref{Kind: kind, Namespace: namespace, Name: workload}
		if _, ok := s.Get(ref); ok {
			return ref
		}
	}
	return mesh.Ref{Kind: mesh.KindPod, Namespace: namespace, Name: pod}
}

// certificate asks the agent of a pod which certificate its proxy presents. A pod
// can lie about itself; what it says is bounded, and cleaned of what terminals
// obey.
func (p *plane) certificate(ctx context.Context, w *mesh.Workload) (validate.Certificate, error) {
	data, err := p.askAgent(ctx, w, agent.CertificatePath, maxCertificate)
	if err != nil {
		return validate.Certificate{}, err
	}
	var said agent.Certificate
	if err := json.Unmarshal(data, &said); err != nil {
		return validate.Certificate{}, fmt.Errorf("the agent's answer is not a certificate: %w", err)
	}
	if !said.NotAfter.After(said.NotBefore) {
		return validate.Certificate{}, fmt.Errorf("the agent's certificate ends (%s) before it begins (%s)", said.NotAfter, said.NotBefore)
	}
	out := validate.Certificate{NotBefore: said.NotBefore, NotAfter: said.NotAfter}
	for _, name := range said.Names[:min(len(said.Names), maxNames)] {
		out.Names = append(out.Names, plain.Text(name))
	}
	return out, nil
}
