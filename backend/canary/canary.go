// Package canary splits the traffic of a service between its versions: which
// rule a share can be set in, the edits that set it, and whether what is
// measured is what was asked. It is pure.
package canary

import (
	"fmt"
	"maps"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

// Split is how the traffic of a service can be divided, and is.
type Split struct {
	Service Service `json:"service"`
	// Versions that run come first, the newest last, then those that only a
	// subset knows.
	Versions   []Version   `json:"versions"`
	Candidates []Candidate `json:"candidates"`
	// Preselected is the candidate that is meant unless somebody says otherwise;
	// empty when there is none.
	Preselected string `json:"preselected"`
	// Refused says why there is no candidate for calls inside the mesh.
	Refused *Refusal `json:"refused,omitempty"`

	leading map[string]int // rules that send traffic to the service, by kind
}

// Service that is split.
type Service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Host      string `json:"host"`
}

// Version is what one part of the service's pods have in common.
type Version struct {
	Version string            `json:"version"`
	Labels  map[string]string `json:"labels"`
	// Subset that names it; empty as long as no DestinationRule does.
	Subset    string   `json:"subset,omitempty"`
	Workloads []string `json:"workloads"`
	Pods      int      `json:"pods"`
	Ready     int      `json:"ready"`
}

// Kinds of candidates.
const (
	OfMesh    = "mesh"    // calls between workloads
	OfGateway = "gateway" // what comes in through a gateway
)

// Candidate is a rule whose weights can be set.
type Candidate struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind" enum:"mesh,gateway"`
	Ref  *mesh.Ref `json:"ref,omitempty"` // nil for a rule that is still to be made
	// Route is the index of the http rule; nil where there is no rule yet.
	Route *int   `json:"route"`
	Name  string `json:"name,omitempty"`
	// Matches say which requests the rule is for; empty for all.
	Matches []string       `json:"matches"`
	Weights map[string]int `json:"weights"` // by version, together 100
	ETag    string         `json:"etag,omitempty"`

	places   map[string]int // version to its place in the rule's route
	gateways bool           // it decides about what comes in through gateways too
}

// Refusal says why a share cannot be set, and where that stands.
type Refusal struct {
	Code   string            `json:"code"`
	Params map[string]string `json:"params,omitempty"`
	Ref    *mesh.Ref         `json:"ref,omitempty"`
	Path   string            `json:"path,omitempty"`
}

// Codes of refusals.
const (
	OneVersion         = "oneVersion"         // there is nothing to divide
	TCPRoutes          = "tcpRoutes"          // spec.tcp
	TLSRoutes          = "tlsRoutes"          // spec.tls
	Delegate           = "delegate"           // a rule leaves the decision to another object
	Redirect           = "redirect"           // a rule sends callers elsewhere, or answers itself
	SeveralHosts       = "severalHosts"       // the rule is for other services too
	TwoVirtualServices = "twoVirtualServices" // two claim the host
	HTTPRouteOnService = "httpRoute"          // the Gateway API decides
	OtherDestination   = "otherDestination"   // a rule leads to other services as well
	UnknownSubset      = "unknownSubset"      // a destination that is none of the versions
)

// newRule is the candidate that is made where no VirtualService has the host.
const newRule = "new"

// Of says how a service's traffic can be split.
func Of(snap *mesh.Snapshot, svc *mesh.Service) *Split {
	c := newCase(snap, svc)
	s := &Split{
		Service:  Service{Namespace: svc.Namespace, Name: svc.Name, Host: svc.Host},
		Versions: c.versions, Candidates: []Candidate{},
	}
	s.leading = c.leading()
	ofMesh, refused := c.meshCandidates()
	s.Candidates = append(append(s.Candidates, ofMesh...), c.gatewayCandidates()...)
	switch {
	case len(c.versions) < 2:
		s.Candidates, s.Refused = []Candidate{}, &Refusal{Code: OneVersion}
		return s
	case len(ofMesh) == 0:
		s.Refused = refused
		return s
	}
	s.Preselected = ofMesh[0].ID
	for _, x := range ofMesh {
		if len(x.Matches) == 0 {
			s.Preselected = x.ID
			break
		}
	}
	return s
}

// splitting is one service with what decides about it.
type splitting struct {
	snap     *mesh.Snapshot
	svc      *mesh.Service
	view     *scope.View // of a caller in the service's own namespace
	subsets  []*networking.Subset
	rule     *mesh.Object // that names the subsets; nil when there is none
	versions []Version
}

func newCase(snap *mesh.Snapshot, svc *mesh.Service) *splitting {
	c := &splitting{snap: snap, svc: svc, view: scope.For(snap, scope.Asker{Namespace: svc.Namespace})}
	if o := c.view.DestinationRule(svc.Host); o != nil {
		spec, _ := o.Spec.(*networking.DestinationRule)
		c.subsets = spec.GetSubsets()
		c.rule, _ = snap.Get(o.Ref) // as written, not joined with others
	}
	c.findVersions()
	return c
}

// pods are those behind the service, by version.
func (c *splitting) pods() map[string][]*mesh.Workload {
	byVersion := map[string][]*mesh.Workload{}
	if len(c.svc.Selector) == 0 {
		return byVersion
	}
	for w := range c.snap.Workloads.Values() {
		if w.Namespace != c.svc.Namespace || w.Terminating || w.Phase == "Succeeded" || w.Phase == "Failed" {
			continue
		}
		if scope.Selects(c.svc.Selector, w.Labels) {
			byVersion[w.Revision] = append(byVersion[w.Revision], w)
		}
	}
	return byVersion
}

// findVersions lists the versions that run, and those that only a subset knows.
func (c *splitting) findVersions() {
	c.versions = []Version{}
	pods := c.pods()
	taken := map[string]bool{} // subsets
	for _, name := range slices.SortedFunc(maps.Keys(pods), mesh.CompareVersions) {
		v := Version{Version: name, Labels: versionLabels(name, pods[name]), Workloads: []string{}}
		for _, w := range pods[name] {
			v.Pods++
			if w.Ready {
				v.Ready++
			}
			if !slices.Contains(v.Workloads, w.Workload) {
				v.Workloads = append(v.Workloads, w.Workload)
			}
		}
		for _, s := range c.subsets {
			if c.selectsJust(s, name, pods) {
				v.Subset, v.Labels = s.GetName(), s.GetLabels()
				taken[s.GetName()] = true
				break
			}
		}
		if len(v.Labels) > 0 { // else nothing can name it
			c.versions = append(c.versions, v)
		}
	}
	for _, s := range c.subsets {
		if taken[s.GetName()] || c.selectsAny(s, pods) {
			continue // another name of a version, or something across versions
		}
		name := s.GetLabels()["version"]
		if name == "" {
			name = s.GetName()
		}
		if !slices.ContainsFunc(c.versions, func(v Version) bool { return v.Version == name }) {
			c.versions = append(c.versions, Version{Version: name, Labels: s.GetLabels(), Subset: s.GetName(), Workloads: []string{}})
		}
	}
}

// versionLabels are what pods say their version by; nil when they do not.
func versionLabels(version string, pods []*mesh.Workload) map[string]string {
	for _, key := range []string{"version", "service.istio.io/canonical-revision", "app.kubernetes.io/version"} {
		if !slices.ContainsFunc(pods, func(w *mesh.Workload) bool { return w.Labels[key] != version }) {
			return map[string]string{key: version}
		}
	}
	return nil
}

// selectsJust reports whether a subset is one version: all its pods, no others.
func (c *splitting) selectsJust(s *networking.Subset, version string, pods map[string][]*mesh.Workload) bool {
	for v, list := range pods {
		for _, w := range list {
			if scope.Selects(s.GetLabels(), w.Labels) != (v == version) {
				return false
			}
		}
	}
	return true
}

func (c *splitting) selectsAny(s *networking.Subset, pods map[string][]*mesh.Workload) bool {
	for _, list := range pods {
		if slices.ContainsFunc(list, func(w *mesh.Workload) bool { return scope.Selects(s.GetLabels(), w.Labels) }) {
			return true
		}
	}
	return false
}

// versionOf is the version that a subset stands for, by its labels.
func (c *splitting) versionOf(subset string) (string, bool) {
	i := slices.IndexFunc(c.subsets, func(s *networking.Subset) bool { return s.GetName() == subset })
	if i < 0 {
		return "", false
	}
	pods := c.pods()
	for _, v := range c.versions {
		if v.Subset == subset || v.Pods > 0 && c.selectsJust(c.subsets[i], v.Version, pods) || v.Pods == 0 && maps.Equal(v.Labels, c.subsets[i].GetLabels()) {
			return v.Version, true
		}
	}
	return "", false
}

// meshCandidates are the rules for calls inside the mesh, or why there are none.
func (c *splitting) meshCandidates() ([]Candidate, *Refusal) {
	if ref := c.gatewayAPI(); ref != nil {
		return nil, &Refusal{Code: HTTPRouteOnService, Ref: ref, Path: "spec.parentRefs"}
	}
	claims := c.view.VirtualServicesFor(c.svc.Host, 0)
	switch {
	case len(claims) == 0:
		return []Candidate{{ID: newRule, Kind: OfMesh, Matches: []string{}, Weights: c.byPods()}}, nil
	case len(claims) > 1:
		return nil, &Refusal{Code: TwoVirtualServices, Ref: &claims[1].Ref, Path: "spec.hosts", Params: map[string]string{"other": claims[0].Ref.String()}}
	}
	vs := claims[0]
	if r := c.whole(vs); r != nil {
		return nil, r
	}
	spec, _ := vs.Spec.(*networking.VirtualService)
	var list []Candidate
	var first *Refusal
	for i, http := range spec.GetHttp() {
		if !scope.AppliesToMesh(spec, http) {
			continue
		}
		x, refused := c.candidate(OfMesh, vs, i, http)
		if refused == nil {
			list = append(list, x)
		} else if first == nil || len(http.GetMatch()) == 0 {
			first = refused
		}
	}
	if len(list) == 0 && first == nil {
		first = &Refusal{Code: OtherDestination, Ref: &vs.Ref, Path: "spec.http"}
	}
	return list, first
}

// Callers says where calls to a service come from.
type Callers struct {
	Mesh    bool // workloads with a sidecar
	Gateway bool
	Plain   bool // somebody without a sidecar, whom no rule reaches
}

// OthersTakePart reports whether other rules, or none, decide about a part of
// what is measured at the versions.
func (s *Split) OthersTakePart(c *Candidate, from Callers) bool {
	if from.Plain || s.leading[c.Kind] > 1 {
		return true
	}
	if c.Kind == OfGateway {
		return from.Mesh
	}
	return from.Gateway && !(c.gateways && s.leading[OfGateway] == 0)
}

// leading counts the http rules that send requests to the service, whether they
// can be split or not.
func (c *splitting) leading() map[string]int {
	kinds := map[string]int{}
	for _, vs := range c.snap.Kind(mesh.KindVirtualService) {
		spec, _ := vs.Spec.(*networking.VirtualService)
		for _, http := range spec.GetHttp() {
			here := slices.ContainsFunc(http.GetRoute(), func(d *networking.HTTPRouteDestination) bool {
				return (d.GetWeight() > 0 || len(http.GetRoute()) == 1) && c.leadsHere(vs, d)
			})
			switch {
			case !here:
			case scope.AppliesToMesh(spec, http):
				kinds[OfMesh]++
			default:
				kinds[OfGateway]++
			}
		}
	}
	return kinds
}

// leadsHere reports whether a destination is the service.
func (c *splitting) leadsHere(vs *mesh.Object, d *networking.HTTPRouteDestination) bool {
	return scope.ResolveHost(d.GetDestination().GetHost(), vs.Namespace, c.snap.Settings.ClusterDomain) == c.svc.Host
}

// whole says what keeps a whole VirtualService from being split.
func (c *splitting) whole(vs *mesh.Object) *Refusal {
	spec, _ := vs.Spec.(*networking.VirtualService)
	refuse := func(code, path string) *Refusal { return &Refusal{Code: code, Ref: &vs.Ref, Path: path} }
	switch {
	case len(spec.GetTcp()) > 0:
		return refuse(TCPRoutes, "spec.tcp")
	case len(spec.GetTls()) > 0:
		return refuse(TLSRoutes, "spec.tls")
	case len(spec.GetHosts()) != 1 || scope.ResolveHost(spec.GetHosts()[0], vs.Namespace, c.snap.Settings.ClusterDomain) != c.svc.Host:
		return refuse(SeveralHosts, "spec.hosts")
	}
	for i, http := range spec.GetHttp() {
		if http.GetDelegate() != nil {
			return refuse(Delegate, fmt.Sprintf("spec.http[%d].delegate", i))
		}
	}
	return nil
}

// gatewayCandidates are the rules of gateways that lead to this service alone.
func (c *splitting) gatewayCandidates() []Candidate {
	var list []Candidate
	for _, vs := range c.snap.Kind(mesh.KindVirtualService) {
		spec, _ := vs.Spec.(*networking.VirtualService)
		for i, http := range spec.GetHttp() {
			if !scope.AppliesToGateways(spec, http) || scope.AppliesToMesh(spec, http) {
				continue
			}
			if x, refused := c.candidate(OfGateway, vs, i, http); refused == nil {
				list = append(list, x)
			}
		}
	}
	return list
}

// candidate reads one rule.
func (c *splitting) candidate(kind string, vs *mesh.Object, index int, http *networking.HTTPRoute) (Candidate, *Refusal) {
	at := fmt.Sprintf("spec.http[%d]", index)
	refuse := func(code, path string) (Candidate, *Refusal) {
		return Candidate{}, &Refusal{Code: code, Ref: &vs.Ref, Path: at + path}
	}
	switch {
	case http.GetRedirect() != nil:
		return refuse(Redirect, ".redirect")
	case http.GetDirectResponse() != nil:
		return refuse(Redirect, ".directResponse")
	case http.GetDelegate() != nil:
		return refuse(Delegate, ".delegate")
	case len(http.GetRoute()) == 0:
		return refuse(OtherDestination, ".route")
	}
	x := Candidate{
		ID: fmt.Sprintf("%s/%s/http[%d]", vs.Namespace, vs.Name, index), Kind: kind, Ref: &vs.Ref, Route: &index,
		Name: http.GetName(), Matches: []string{}, ETag: vs.Version, places: map[string]int{},
	}
	spec, _ := vs.Spec.(*networking.VirtualService)
	x.gateways = scope.AppliesToGateways(spec, http)
	for _, m := range http.GetMatch() {
		text := scope.DescribeMatch(m)
		if text == "" { // one that takes everything
			x.Matches = []string{}
			break
		}
		x.Matches = append(x.Matches, text)
	}
	weights := map[string]int64{}
	for i, d := range http.GetRoute() {
		where := fmt.Sprintf(".route[%d].destination", i)
		if !c.leadsHere(vs, d) {
			return refuse(OtherDestination, where+".host")
		}
		if d.GetDestination().GetSubset() == "" {
			if len(http.GetRoute()) > 1 {
				return refuse(UnknownSubset, where)
			}
			x.Weights = c.byPods() // it goes to all of them alike
			return x, nil
		}
		version, ok := c.versionOf(d.GetDestination().GetSubset())
		if !ok {
			return refuse(UnknownSubset, where+".subset")
		}
		if _, twice := x.places[version]; !twice {
			x.places[version] = i
		}
		weight := int64(d.GetWeight())
		if len(http.GetRoute()) == 1 {
			weight = 100
		}
		weights[version] += weight
	}
	x.Weights = c.normal(weights)
	return x, nil
}

// normal gives every version its share in percent, together 100.
func (c *splitting) normal(weights map[string]int64) map[string]int {
	order := make([]string, len(c.versions))
	parts := make([]int64, len(c.versions))
	for i, v := range c.versions {
		order[i], parts[i] = v.Version, max(0, weights[v.Version])
	}
	out := map[string]int{}
	for i, share := range Percent(parts) {
		out[order[i]] = share
	}
	return out
}

// byPods is how calls are divided where no rule says otherwise.
func (c *splitting) byPods() map[string]int {
	ready := map[string]int64{}
	for _, v := range c.versions {
		ready[v.Version] = int64(v.Ready)
	}
	return c.normal(ready)
}

// gatewayAPI is the HTTPRoute or GRPCRoute that is attached to the service
// itself; nil when there is none.
func (c *splitting) gatewayAPI() *mesh.Ref {
	attached := func(o *mesh.Object, parents []gatewayv1.ParentReference) bool {
		return slices.ContainsFunc(parents, func(p gatewayv1.ParentReference) bool {
			namespace := o.Namespace
			if p.Namespace != nil {
				namespace = string(*p.Namespace)
			}
			return p.Kind != nil && *p.Kind == "Service" && string(p.Name) == c.svc.Name && namespace == c.svc.Namespace
		})
	}
	for _, o := range c.snap.Kind(mesh.KindHTTPRoute) {
		if r, ok := o.Spec.(*gatewayv1.HTTPRoute); ok && attached(o, r.Spec.ParentRefs) {
			return &o.Ref
		}
	}
	for _, o := range c.snap.Kind(mesh.KindGRPCRoute) {
		if r, ok := o.Spec.(*gatewayv1.GRPCRoute); ok && attached(o, r.Spec.ParentRefs) {
			return &o.Ref
		}
	}
	return nil
}

// Percent turns weights into whole percents that add up to 100, by the largest
// remainder. All are 0 where all weights are.
func Percent(weights []int64) []int {
	out := make([]int, len(weights))
	var total int64
	for _, w := range weights {
		total += w
	}
	if total == 0 {
		return out
	}
	type rest struct {
		index int
		left  int64
	}
	var rests []rest
	sum := 0
	for i, w := range weights {
		out[i] = int(100 * w / total)
		sum += out[i]
		rests = append(rests, rest{i, 100 * w % total})
	}
	slices.SortStableFunc(rests, func(a, b rest) int {
		switch {
		case a.left > b.left:
			return -1
		case a.left < b.left:
			return 1
		}
		return 0
	})
	for i := 0; sum < 100; i++ {
		out[rests[i].index]++
		sum++
	}
	return out
}
