package local

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

const (
	// Changes are published in batches: after the first of a batch, and not
	// sooner after the batch before than.
	publishSoon  = 5 * time.Millisecond
	publishPause = 40 * time.Millisecond
	// What failed because of the machine is tried again every so often.
	retryEvery = 2 * time.Second
)

// wish is a Deployment as declared, with what came of reading it.
type wish struct {
	plan.Wish
	dep *appsv1.Deployment
	err error // why it is blocked
}

// loop takes events until ctx ends or the machine does.
func (s *Supervisor) loop(ctx context.Context, updates <-chan source.Update) error {
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	var publish <-chan time.Time
	dirty := func() {
		s.published.pending = true
		if publish == nil {
			publish = time.After(max(publishSoon, publishPause-time.Since(s.published.at)))
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.machine.Exited():
			return fmt.Errorf("the machine that pods run in has ended; see %s", s.o.path("logs", "machine.log"))
		case u := <-updates:
			s.declared, s.read = plan.Read(u.Objects), true
			s.reread()
			s.refresh()
			s.reconcile()
			dirty()
		case f := <-s.events:
			f()
			s.reconcile()
			dirty()
		case f := <-s.queries:
			f()
		case <-retry.C:
			s.reread()
			s.refresh()
			s.reconcile()
			dirty()
		case <-publish:
			publish = nil
			s.publish()
		}
	}
}

// reread derives wishes, addresses and host ports from what is declared.
func (s *Supervisor) reread() {
	if !s.read {
		return
	}
	s.problems = nil
	problem := func(kind mesh.Kind, k plan.Key, p plan.Problem) {
		ref, origin := s.refOf(kind, k)
		s.problems = append(s.problems, p.Finding(ref, origin))
	}
	s.wishes = map[plan.Key]wish{}
	for _, k := range plan.Sorted(s.declared.Deployments) {
		w := s.wish(k, s.declared.Deployments[k])
		s.wishes[k] = w
		if w.err != nil {
			problem(mesh.KindDeployment, k, plan.Problem{
				Code: mesh.CodePod, Severity: mesh.Error, Path: "spec.template.spec",
				Message: fmt.Sprintf("Deployment %s cannot run: %v.", k, w.err),
			})
		}
		for _, p := range plan.Unsupported(w.dep) {
			problem(mesh.KindDeployment, k, p)
		}
	}
	for _, k := range plan.Sorted(s.declared.Services) {
		for _, p := range plan.UnsupportedService(s.declared.Services[k]) {
			problem(mesh.KindService, k, p)
		}
	}
	addresses, problems := plan.Allocate(s.o.ServiceRange, s.declared.Services, s.addresses)
	for _, k := range plan.Sorted(problems) {
		problem(mesh.KindService, k, problems[k])
	}
	if !maps.Equal(addresses, s.addresses) {
		s.addresses = addresses
		s.writeAddresses()
	}
	s.openHostPorts()
}

func (s *Supervisor) wish(k plan.Key, dep *appsv1.Deployment) wish {
	w := wish{dep: dep, Wish: plan.Wish{Deployment: k, Replicas: plan.Replicas(dep), Surge: 1}}
	w.Hash, w.err = plan.TemplateHash(&dep.Spec.Template)
	if w.err == nil {
		_, w.err = s.programs(k, dep, plan.Facts{Namespace: k.Namespace}, "")
	}
	if w.err == nil && plan.Injected(&dep.Spec.Template) && s.o.EnvoyPath == "" {
		w.err = fmt.Errorf("it needs an Envoy and there is none: install one with heddle envoy install")
	}
	w.Blocked = w.err != nil
	w.Recreate = dep.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
	surge := intstr.FromString("25%")
	if r := dep.Spec.Strategy.RollingUpdate; r != nil && r.MaxSurge != nil {
		surge = *r.MaxSurge
	}
	if n, err := intstr.GetScaledValueFromIntOrPercent(&surge, w.Replicas, true); err == nil {
		w.Surge = max(n, 1)
	}
	return w
}

// refOf is how an object is called, and where it was read.
func (s *Supervisor) refOf(kind mesh.Kind, k plan.Key) (mesh.Ref, mesh.Origin) {
	ref := mesh.Ref{Kind: kind, Namespace: k.Namespace, Name: k.Name}
	if o, ok := s.declared.Objects[ref]; ok {
		return ref, o.Origin
	}
	return ref, mesh.Origin{}
}

// observed are the pods as plan sees them, in order.
func (s *Supervisor) observed() []plan.Pod {
	var out []plan.Pod
	for _, p := range s.pods {
		seen := p.Pod
		seen.Starting = !p.status.Running && p.failed == nil && !p.Terminating
		out = append(out, seen)
	}
	slices.SortFunc(out, func(a, b plan.Pod) int { return plan.CompareKeys(a.Key, b.Key) })
	return out
}

// reconcile starts and stops pods as planned.
func (s *Supervisor) reconcile() {
	if !s.read || s.stopping {
		return
	}
	var wishes []plan.Wish
	for _, k := range plan.Sorted(s.wishes) {
		wishes = append(wishes, s.wishes[k].Wish)
	}
	actions, short := plan.Reconcile(wishes, s.observed(), s.room())
	s.short = short
	for _, a := range actions {
		switch {
		case a.Create != nil:
			s.create(s.wishes[a.Create.Deployment])
		case a.Stop != nil:
			for _, p := range s.pods {
				if p.UID == a.Stop.UID {
					s.withdraw(p)
				}
			}
		}
	}
}

// maxStarting is how many pods are made and do not run yet: what a pod takes
// while it is prepared is taken so many times at most.
const maxStarting = 32

// room is what addresses and the machine have room for.
func (s *Supervisor) room() plan.Room {
	// Not for pods are the network itself, the node and the address for broadcasts.
	addresses := 1<<(32-s.o.PodRange.Bits()) - 3
	return plan.Room{Pods: min(addresses, config.MaxReplicas), Starting: maxStarting}
}

// shortOfRoom says which Deployments have fewer pods than they ask for because
// there is no room for more.
func (s *Supervisor) shortOfRoom() []mesh.Finding {
	var out []mesh.Finding
	for _, k := range plan.Sorted(s.short) {
		ref, origin := s.refOf(mesh.KindDeployment, k)
		out = append(out, plan.Problem{
			Code: mesh.CodePod, Severity: mesh.Error, Path: "spec.replicas",
			Message: fmt.Sprintf("Deployment %s lacks %d pods: there is room for %d pods in all, with addresses of %s. Ask for fewer replicas, of it or of others%s.",
				k, s.short[k], s.room().Pods, s.o.PodRange, s.largerRange()),
		}.Finding(ref, origin))
	}
	return out
}

// largerRange is the other way out for those who have no room, where it is one.
func (s *Supervisor) largerRange() string {
	if s.room().Pods == config.MaxReplicas {
		return ""
	}
	return ", or choose a larger range with --pod-range"
}

// freeIP is the address that was free for longest: others may still have
// connections to the pod that had it before.
func (s *Supervisor) freeIP() (netip.Addr, bool) {
	used := map[netip.Addr]bool{s.net.Node: true}
	for _, p := range s.pods {
		used[p.IP] = true
	}
	for range 1 << (32 - s.o.PodRange.Bits()) {
		next := s.lastIP.Next()
		if !s.lastIP.IsValid() || !s.o.PodRange.Contains(next.Next()) { // the last one is for broadcasts
			next = s.net.Node.Next()
		}
		s.lastIP = next
		if !used[next] {
			return next, true
		}
	}
	return netip.Addr{}, false
}

// letters are n random characters of a name.
func letters(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return plan.Letters(b, n)
}
