package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/heddle-mesh/heddle/backend/local/names"
	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
	cluster "github.com/heddle-mesh/heddle/mesh/source/local"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

// published is what was said last. The loop owns it.
type published struct {
	at       time.Time
	revision uint64
	digest   mesh.Hash
	meanings meanings // of service addresses
	pending  bool     // something has changed since
	findings []mesh.Finding
	waiting  []func(revision uint64)
}

// afterPublish has f called with the revision that all that is decided by now
// is part of. The loop calls it, and f.
func (s *Supervisor) afterPublish(f func(revision uint64)) {
	s.published.waiting = append(s.published.waiting, f)
}

// meanings is what service addresses mean.
type meanings struct {
	version  int // counts the changes from 1
	backends []redirect.Backend
}

// world is what follows from what is declared and the pods that run.
type world struct {
	services []*corev1.Service
	slices   map[plan.Key][]*discoveryv1.EndpointSlice
	pods     []plan.Pod
}

// publish says the state of the cluster to the control plane, to the pods, to
// the resolver, and to host ports.
func (s *Supervisor) publish() {
	s.published.at, s.published.pending = time.Now(), false
	w := world{slices: map[plan.Key][]*discoveryv1.EndpointSlice{}, pods: s.observed()}
	var backends []redirect.Backend
	for _, k := range plan.Sorted(s.declared.Services) {
		svc := plan.ServiceObject(s.declared.Services[k], k, s.addressOf(k), s.hostPortsOf(k))
		w.services = append(w.services, svc)
		w.slices[k] = plan.Slices(svc, w.pods, plan.Node)
		if a := s.addressOf(k); a.IsValid() {
			backends = append(backends, plan.Backends(svc, a, w.pods)...)
		}
	}
	s.sayNames(w)
	s.sayBackends(backends)
	s.retarget(w.pods)
	s.say(w)
	for _, f := range s.published.waiting {
		f(s.published.revision)
	}
	s.published.waiting = nil
}

func (s *Supervisor) addressOf(k plan.Key) netip.Addr {
	if svc := s.declared.Services[k]; svc == nil || !plan.HasAddress(svc) {
		return netip.Addr{}
	}
	return s.addresses[k]
}

func (s *Supervisor) sayNames(w world) {
	var pods []names.Pod
	for _, p := range w.pods {
		pods = append(pods, names.Pod{
			Namespace: p.Namespace, Name: p.Name, Address: p.IP,
			Hostname: p.Template.Spec.Hostname, Subdomain: p.Template.Spec.Subdomain,
		})
	}
	s.names.Set(names.NewZone(w.services, func(svc *corev1.Service) []*discoveryv1.EndpointSlice {
		return w.slices[plan.Key{Namespace: svc.Namespace, Name: svc.Name}]
	}, pods))
}

// sayBackends tells all pods what service addresses mean, those at once that
// were not told yet.
func (s *Supervisor) sayBackends(backends []redirect.Backend) {
	m := &s.published.meanings
	if m.version == 0 || !reflect.DeepEqual(backends, m.backends) {
		*m = meanings{m.version + 1, backends}
	}
	for _, p := range s.pods {
		if p.told == m.version {
			continue
		}
		p.told = m.version
		select {
		case <-p.services: // nobody took the one before
		default:
		}
		p.services <- *m
	}
}

// say publishes the objects, when they have changed.
func (s *Supervisor) say(w world) {
	if !s.read {
		return // half a world
	}
	state := cluster.State{Revision: s.published.revision + 1, Findings: s.findings()}
	add := func(o metav1.Object, origin mesh.Origin) {
		obj, err := cluster.NewObject(o, origin)
		if err != nil {
			s.o.Log.Error("object not published", "error", err)
			return
		}
		state.Objects = append(state.Objects, obj)
	}
	namespaces := map[string]*corev1.Namespace{plan.DefaultNamespace: nil}
	for name, ns := range s.declared.Namespaces {
		namespaces[name] = ns
	}
	for _, svc := range w.services {
		k := plan.Key{Namespace: svc.Namespace, Name: svc.Name}
		_, origin := s.refOf(mesh.KindService, k)
		add(svc, origin)
		for _, slice := range w.slices[k] {
			add(slice, mesh.Origin{})
		}
		namespaces[k.Namespace] = s.declared.Namespaces[k.Namespace]
	}
	accounts := map[plan.Key]*corev1.ServiceAccount{}
	maps.Copy(accounts, s.declared.Accounts)
	for _, k := range plan.Sorted(s.wishes) {
		_, origin := s.refOf(mesh.KindDeployment, k)
		add(plan.DeploymentObject(s.wishes[k].dep, k, s.wishes[k].Hash, w.pods), origin)
		namespaces[k.Namespace] = s.declared.Namespaces[k.Namespace]
	}
	for _, p := range s.sorted() {
		add(plan.PodObject(p.Pod, p.status), mesh.Origin{})
		namespaces[p.Namespace] = s.declared.Namespaces[p.Namespace]
	}
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		ns := namespaces[name]
		_, origin := s.refOf(mesh.KindNamespace, plan.Key{Name: name})
		if ns == nil {
			ns = &corev1.Namespace{}
			ns.Name, ns.Labels = name, map[string]string{corev1.LabelMetadataName: name}
		}
		add(ns, origin)
		if k := (plan.Key{Namespace: name, Name: "default"}); accounts[k] == nil {
			account := &corev1.ServiceAccount{}
			account.Namespace, account.Name = name, "default"
			accounts[k] = account
		}
	}
	for _, k := range plan.Sorted(accounts) {
		_, origin := s.refOf(mesh.KindServiceAccount, k)
		add(accounts[k], origin)
	}
	for _, k := range plan.Sorted(s.declared.ConfigMaps) {
		_, origin := s.refOf(mesh.KindConfigMap, k)
		add(s.declared.ConfigMaps[k], origin)
	}
	for _, k := range plan.Sorted(s.declared.Secrets) {
		_, origin := s.refOf(mesh.KindSecret, k)
		add(s.declared.Secrets[k], origin)
	}
	s.published.findings = state.Findings
	digest := digestOf(state)
	if digest == s.published.digest {
		return
	}
	if err := s.cluster.Publish(state); err != nil {
		s.o.Log.Error("state not published", "error", err)
		return
	}
	s.published.revision, s.published.digest = state.Revision, digest
	s.o.Log.Debug("state published", "revision", state.Revision, "objects", len(state.Objects))
}

func digestOf(state cluster.State) mesh.Hash {
	parts := make([]string, 0, 2*len(state.Objects)+1)
	for _, o := range state.Objects {
		parts = append(parts, o.ID(), o.Version)
	}
	// A Finding is plain data: this cannot fail.
	if findings, err := json.Marshal(state.Findings); err == nil {
		parts = append(parts, string(findings))
	}
	return mesh.HashOf(parts...)
}

// sorted are the pods in order.
func (s *Supervisor) sorted() []*pod {
	return slices.SortedFunc(maps.Values(s.pods), func(a, b *pod) int { return plan.CompareKeys(a.Key, b.Key) })
}

// findings are all problems there are now.
func (s *Supervisor) findings() []mesh.Finding {
	out := slices.Concat(s.problems, s.shortOfRoom(), s.fallen())
	for _, p := range s.sorted() {
		if p.Terminating {
			continue
		}
		ref, origin := s.refOf(mesh.KindDeployment, p.Deployment)
		add := func(message string, container string) {
			f := plan.Problem{Code: mesh.CodePod, Severity: mesh.Error, Message: message}.Finding(ref, origin)
			f.Params = map[string]string{"pod": p.Name, "container": container}
			out = append(out, f)
		}
		if p.failed != nil && !errors.Is(p.failed, errFell) {
			add(fmt.Sprintf("Pod %s of Deployment %s could not be started: %v.", p.Name, p.Deployment, p.failed), "")
		}
		for _, c := range containersOf(p.status.Status) {
			if c.Reason == "CrashLoopBackOff" {
				add(fmt.Sprintf("Container %s of pod %s does not stay up: %s. See heddle logs %s -c %s.", c.Name, p.Name, c.Message, p.Name, c.Name), c.Name)
			}
		}
	}
	for _, port := range slices.Sorted(maps.Keys(s.ports)) {
		out = append(out, s.ports[port].findings(s)...)
	}
	return out
}

func containersOf(st sandbox.Status) []sandbox.ContainerStatus {
	var out []sandbox.ContainerStatus
	if st.Proxy != nil {
		out = append(out, *st.Proxy)
	}
	return append(append(out, st.Init...), st.Containers...)
}

// snapshot is the cluster's status as others see it. The loop calls it.
func (s *Supervisor) snapshot() Status {
	out := Status{
		PID: pid(), Started: s.started, State: s.o.State, Console: s.o.Console, Stopping: s.stopping, Loaded: s.read,
		ControlPlane: ControlPlaneStatus{Absent: true},
		Deployments:  []DeploymentStatus{}, Pods: []PodStatus{}, Services: []ServiceStatus{},
		Findings: append([]mesh.Finding{}, s.findings()...),
	}
	if s.serve != nil {
		out.ControlPlane = s.serve.get()
		out.ControlPlane.Connected = s.cluster.Connected()
	}
	out.ControlPlane.Revision = s.published.revision
	pods := s.observed()
	for _, k := range plan.Sorted(s.wishes) {
		w := s.wishes[k]
		status := plan.DeploymentObject(w.dep, k, w.Hash, pods).Status
		d := DeploymentStatus{
			Namespace: k.Namespace, Name: k.Name, Replicas: w.Replicas, Blocked: w.Blocked,
			Ready: int(status.ReadyReplicas), Updated: int(status.UpdatedReplicas),
		}
		for _, p := range pods {
			if p.Deployment == k {
				d.Current++
			}
		}
		out.Deployments = append(out.Deployments, d)
	}
	out.Settling = s.published.pending
	for _, p := range s.sorted() {
		out.Pods = append(out.Pods, s.podStatus(p))
		out.Settling = out.Settling || p.knows != s.published.meanings.version
	}
	for _, k := range plan.Sorted(s.declared.Services) {
		svc := s.declared.Services[k]
		st := ServiceStatus{Namespace: k.Namespace, Name: k.Name, Type: string(svc.Spec.Type), Ports: []int32{}, HostPorts: s.hostPortsOf(k)}
		if st.Type == "" {
			st.Type = string(corev1.ServiceTypeClusterIP)
		}
		st.Address = svc.Spec.ClusterIP
		if a := s.addressOf(k); a.IsValid() {
			st.Address = a.String()
		}
		for _, p := range svc.Spec.Ports {
			st.Ports = append(st.Ports, p.Port)
		}
		for _, p := range pods {
			if p.Ready && !p.Terminating && p.Namespace == k.Namespace && plan.Selects(svc, p.Labels) {
				st.Endpoints++
			}
		}
		out.Services = append(out.Services, st)
	}
	return out
}

func (s *Supervisor) podStatus(p *pod) PodStatus {
	out := PodStatus{
		Namespace: p.Namespace, Name: p.Name, UID: p.UID, Deployment: p.Deployment.Name, IP: p.IP.String(),
		Dir: s.o.podDir(p.id), Phase: "Pending", Ready: p.Ready && !p.Terminating, Sidecar: p.meshed, Gateway: p.Gateway,
		Reason: p.status.Reason, Message: p.status.Message, Created: p.Created, ReadyAt: p.readyAt,
		Containers: containersOf(p.status.Status),
	}
	if out.Containers == nil {
		out.Containers = []sandbox.ContainerStatus{}
	}
	if p.status.Running {
		out.Phase = "Running"
	}
	if p.Terminating {
		out.Phase = "Terminating"
	}
	for _, c := range out.Containers {
		out.Restarts += c.Restarts + c.Inner
		if c.Name == plan.ProxyContainer {
			out.EnvoyRestarts = c.Inner
		}
		if out.Message == "" && !c.Ready && c.Message != "" {
			out.Reason, out.Message = c.Reason, c.Name+": "+c.Message
		}
	}
	return out
}
