package canary_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

const subsets = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec:
  host: reviews
  subsets: # by label
  - {name: stable, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
`

const head = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
`

const twoRules = head + `  hosts: [reviews]
  http:
  - name: testers
    match: [{headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews, subset: v2}}]
  - route: # everybody else
    - destination: {host: reviews, subset: stable}
      weight: 2   # most
    - destination: {host: reviews, subset: v2}
      weight: 1
`

func reviews(t testing.TB, snap *mesh.Snapshot) *mesh.Service {
	t.Helper()
	svc, ok := snap.Services.Get("reviews.default.svc.cluster.local")
	if !ok {
		t.Fatal("no service reviews")
	}
	return svc
}

func split(t *testing.T, yaml string) *canary.Split {
	t.Helper()
	snap := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo()+yaml))
	return canary.Of(snap, reviews(t, snap))
}

func TestCandidates(t *testing.T) {
	s := split(t, subsets+twoRules+strings.NewReplacer("name: reviews,", "name: outside,", "  hosts: [reviews]\n", "  hosts: [shop.example]\n  gateways: [edge]\n", "jason", "eve").Replace(twoRules))
	if s.Refused != nil || s.Preselected != "default/reviews/http[1]" {
		t.Errorf("refused %+v, preselected %s", s.Refused, s.Preselected)
	}
	var got []string
	for _, c := range s.Candidates {
		got = append(got, fmt.Sprintf("%s %s %s%v %v", c.Kind, c.ID, c.Name, c.Matches, c.Weights))
	}
	want := []string{
		"mesh default/reviews/http[0] testers[header end-user = jason] map[v1:0 v2:100 v3:0]",
		"mesh default/reviews/http[1] [] map[v1:67 v2:33 v3:0]",
		"gateway default/outside/http[0] testers[header end-user = eve] map[v1:0 v2:100 v3:0]",
		"gateway default/outside/http[1] [] map[v1:67 v2:33 v3:0]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantVersions := []canary.Version{
		{Version: "v1", Labels: map[string]string{"version": "v1"}, Subset: "stable", Workloads: []string{"reviews-v1"}, Pods: 1, Ready: 1},
		{Version: "v2", Labels: map[string]string{"version": "v2"}, Subset: "v2", Workloads: []string{"reviews-v2"}, Pods: 1, Ready: 1},
		{Version: "v3", Labels: map[string]string{"version": "v3"}, Workloads: []string{"reviews-v3"}, Pods: 1, Ready: 1},
	}
	if diff := cmp.Diff(wantVersions, s.Versions); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutARuleTheSharesAreThoseOfPods(t *testing.T) {
	s := split(t, "")
	if s.Preselected != "new" || len(s.Candidates) != 1 || s.Candidates[0].Ref != nil {
		t.Fatalf("%+v", s)
	}
	if diff := cmp.Diff(map[string]int{"v1": 34, "v2": 33, "v3": 33}, s.Candidates[0].Weights); diff != "" {
		t.Error(diff)
	}
}

func TestRefusalsNameTheField(t *testing.T) {
	vs := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	for name, c := range map[string]struct {
		yaml       string
		code, path string
		ref        mesh.Ref
	}{
		"tcp":           {head + "  hosts: [reviews]\n  tcp: [{route: [{destination: {host: reviews}}]}]\n", canary.TCPRoutes, "spec.tcp", vs},
		"tls":           {head + "  hosts: [reviews]\n  tls: [{match: [{sniHosts: [reviews]}], route: [{destination: {host: reviews}}]}]\n", canary.TLSRoutes, "spec.tls", vs},
		"delegate":      {head + "  hosts: [reviews]\n  http: [{delegate: {name: other}}]\n", canary.Delegate, "spec.http[0].delegate", vs},
		"redirect":      {head + "  hosts: [reviews]\n  http: [{redirect: {uri: /other}}]\n", canary.Redirect, "spec.http[0].redirect", vs},
		"answer":        {head + "  hosts: [reviews]\n  http: [{directResponse: {status: 503}}]\n", canary.Redirect, "spec.http[0].directResponse", vs},
		"several hosts": {head + "  hosts: [reviews, ratings]\n  http: [{route: [{destination: {host: reviews}}]}]\n", canary.SeveralHosts, "spec.hosts", vs},
		"wildcard":      {head + "  hosts: [\"*.default.svc.cluster.local\"]\n  http: [{route: [{destination: {host: reviews}}]}]\n", canary.SeveralHosts, "spec.hosts", vs},
		"others too":    {head + "  hosts: [reviews]\n  http: [{route: [{destination: {host: reviews, subset: v2}, weight: 1}, {destination: {host: ratings}, weight: 1}]}]\n", canary.OtherDestination, "spec.http[0].route[1].destination.host", vs},
		"no version":    {head + "  hosts: [reviews]\n  http: [{route: [{destination: {host: reviews, subset: nobody}}]}]\n", canary.UnknownSubset, "spec.http[0].route[0].destination.subset", vs},
		"two":           {twoRules + strings.Replace(twoRules, "name: reviews,", "name: second,", 1), canary.TwoVirtualServices, "spec.hosts", mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "second"}},
		"HTTPRoute": {
			"---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: default}\nspec: {parentRefs: [{group: \"\", kind: Service, name: reviews}], rules: [{backendRefs: [{name: reviews, port: 9080}]}]}\n",
			canary.HTTPRouteOnService, "spec.parentRefs",
			mesh.Ref{Kind: mesh.KindHTTPRoute, Namespace: "default", Name: "r"},
		},
	} {
		s := split(t, subsets+c.yaml)
		if r := s.Refused; r == nil || r.Code != c.code || r.Path != c.path || r.Ref == nil || *r.Ref != c.ref || s.Preselected != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// One rule that cannot be split does not spoil the others.
	s := split(t, subsets+strings.Replace(twoRules, "    route: [{destination: {host: reviews, subset: v2}}]\n", "    redirect: {uri: /x}\n", 1))
	if s.Refused != nil || s.Preselected != "default/reviews/http[1]" || len(s.Candidates) != 1 {
		t.Errorf("%+v", s)
	}
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	ratings, _ := snap.Services.Get("ratings.default.svc.cluster.local")
	if s := canary.Of(snap, ratings); s.Refused == nil || s.Refused.Code != canary.OneVersion || len(s.Candidates) != 0 {
		t.Errorf("one version: %+v", s.Refused)
	}
}

// result makes the change and gives the snapshot after it, and the shares that
// the rule has then.
func result(t testing.TB, snap *mesh.Snapshot, candidate string, weights map[string]int) (*mesh.Snapshot, *preview.Proposal) {
	t.Helper()
	entries, err := canary.Edits(snap, reviews(t, snap), candidate, weights)
	if err != nil {
		t.Fatal(err)
	}
	p, problems, err := preview.Resolve(t.Context(), entries, snap.Objects)
	if p == nil {
		t.Fatalf("the change cannot be made: %v %+v", err, problems)
	}
	for _, i := range p.Items {
		if i.Stale {
			t.Errorf("%s: made from another version", i.Ref)
		}
	}
	return p.Apply(snap), p
}

func sharesOf(t testing.TB, snap *mesh.Snapshot, candidate string) map[string]int {
	t.Helper()
	for _, c := range canary.Of(snap, reviews(t, snap)).Candidates {
		if c.ID == candidate {
			return c.Weights
		}
	}
	t.Fatalf("candidate %s is gone: %+v", candidate, canary.Of(snap, reviews(t, snap)))
	return nil
}

func TestEditsMakeWhatIsMissing(t *testing.T) {
	asked := map[string]int{"v1": 85, "v3": 15}
	want := map[string]int{"v1": 85, "v2": 0, "v3": 15}
	for name, c := range map[string]struct {
		yaml, candidate, after string
		written                []string
	}{
		"nothing there": {"", "new", "default/reviews/http[0]", []string{"DestinationRule default/reviews", "VirtualService default/reviews"}},
		"a subset and a destination": {
			subsets + twoRules, "default/reviews/http[1]", "default/reviews/http[1]",
			[]string{"DestinationRule default/reviews", "VirtualService default/reviews"},
		},
		"a route to the whole service": {
			head + "  hosts: [reviews]\n  http: [{timeout: 2s, route: [{destination: {host: reviews, port: {number: 9080}}}]}]\n", "default/reviews/http[0]", "default/reviews/http[0]",
			[]string{"DestinationRule default/reviews", "VirtualService default/reviews"},
		},
		"the name is taken": {
			strings.Replace(subsets, "host: reviews", "host: ratings", 1), "new", "default/reviews/http[0]",
			[]string{"DestinationRule default/reviews-2", "VirtualService default/reviews"},
		},
	} {
		snap := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo()+c.yaml))
		after, p := result(t, snap, c.candidate, asked)
		var written []string
		for _, o := range p.Written() {
			written = append(written, o.Ref.String())
		}
		if diff := cmp.Diff(c.written, written); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(want, sharesOf(t, after, c.after)); diff != "" {
			t.Errorf("%s: %s\n%s", name, diff, p.Written()[len(written)-1].Text)
		}
		if len(p.Problems) > 0 {
			t.Errorf("%s: %+v", name, p.Problems)
		}
		// Every destination is one that the mesh knows, and the port stays.
		vs := after.Kind(mesh.KindVirtualService)[0].Spec.(*networking.VirtualService)
		for _, h := range vs.Http {
			for _, d := range h.Route {
				if strings.Contains(c.yaml, "9080") && d.Destination.GetPort().GetNumber() != 9080 {
					t.Errorf("%s: the port is lost: %v", name, d)
				}
			}
		}
		view := scope.For(after, scope.Asker{Namespace: "default"})
		if view.DestinationRule("reviews.default.svc.cluster.local") == nil {
			t.Errorf("%s: nobody defines the subsets", name)
		}
	}
}

func TestEditsRefuse(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo()+subsets+twoRules)
	for name, c := range map[string]struct {
		candidate string
		weights   map[string]int
	}{
		"no such rule": {"default/reviews/http[7]", map[string]int{"v1": 100}},
		"not 100":      {"default/reviews/http[1]", map[string]int{"v1": 60, "v2": 30}},
		"negative":     {"default/reviews/http[1]", map[string]int{"v1": 110, "v2": -10}},
		"no version":   {"default/reviews/http[1]", map[string]int{"v1": 60, "v9": 40}},
	} {
		if entries, err := canary.Edits(snap, reviews(t, snap), c.candidate, c.weights); err == nil {
			t.Errorf("%s: %+v", name, entries)
		}
	}
	if entries, err := canary.Edits(snap, reviews(t, snap), "default/reviews/http[0]", map[string]int{"v2": 100}); err != nil || len(entries) != 1 {
		t.Errorf("what is so already: %+v, %v", entries, err)
	}
}

// Whatever is asked of a rule that names all versions: decoding what is written
// gives those weights, and no byte but those of the weights is another.
func TestOnlyWeightsChange(t *testing.T) {
	const layout = head + `  hosts: [reviews] # ours
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews, subset: v2}}]
  -   timeout: 3s
      route:
      - {destination: {host: reviews, subset: stable}, weight: %d} # stable
      - weight: %d
        destination:
          host: "reviews"
          subset: 'v2'
      - destination: {host: reviews, subset: v3}
        weight:   %d  # new
`
	base := meshtest.Snapshot(t, meshtest.Bookinfo()+subsets+"  - {name: v3, labels: {version: v3}}\n")
	rapid.Check(t, func(r *rapid.T) {
		three := func(name string) [3]int {
			a := rapid.IntRange(0, 100).Draw(r, name+" a")
			b := rapid.IntRange(0, 100-a).Draw(r, name+" b")
			return [3]int{a, b, 100 - a - b}
		}
		from, to := three("from"), three("to")
		was := fmt.Sprintf(layout, from[0], from[1], from[2])
		snap := base.With(meshtest.Object(t, was))
		asked := map[string]int{"v1": to[0], "v2": to[1], "v3": to[2]}
		after, p := result(t, snap, "default/reviews/http[1]", asked)
		if diff := cmp.Diff(asked, sharesOf(t, after, "default/reviews/http[1]")); diff != "" {
			t.Error(diff)
		}
		want := strings.TrimPrefix(fmt.Sprintf(layout, to[0], to[1], to[2]), "---\n")
		if written := p.Written(); len(written) > 0 && !bytes.Equal(bytes.TrimSpace(written[0].Text), []byte(strings.TrimSpace(want))) {
			t.Errorf("written\n%s\nwant\n%s", written[0].Text, want)
		}
	})
}

func TestPercentAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 1, 8).Draw(t, "weights")
		var total int64
		for _, w := range weights {
			total += w
		}
		sum := 0
		for i, p := range canary.Percent(weights) {
			sum += p
			if exact := 100 * float64(weights[i]) / float64(max(1, total)); float64(p) < exact-1 || float64(p) > exact+1 {
				t.Errorf("%v: part %d has %d, exactly %f", weights, i, p, exact)
			}
		}
		if total > 0 && sum != 100 || total == 0 && sum != 0 {
			t.Errorf("%v add up to %d", weights, sum)
		}
	})
}

func TestWhoElseTakesPart(t *testing.T) {
	const testers = "  - name: testers\n    match: [{headers: {end-user: {exact: jason}}}]\n    route: [{destination: {host: reviews, subset: v2}}]\n"
	one := strings.Replace(twoRules, testers, "", 1)
	alone, several := split(t, subsets+one), split(t, subsets+twoRules)
	refused := split(t, subsets+strings.Replace(twoRules, "route: [{destination: {host: reviews, subset: v2}}]", "route: [{destination: {host: reviews, subset: v2}, weight: 1}, {destination: {host: ratings}, weight: 1}]", 1))
	redirected := split(t, subsets+strings.Replace(twoRules, "route: [{destination: {host: reviews, subset: v2}}]", "redirect: {uri: /x}", 1))
	old := split(t, subsets+one+strings.NewReplacer("name: reviews,", "name: old,", "hosts: [reviews]", "hosts: [old.example.com]").Replace(one))
	both := split(t, subsets+strings.Replace(one, "  hosts: [reviews]\n", "  hosts: [reviews]\n  gateways: [mesh, edge]\n", 1))
	for name, c := range map[string]struct {
		split *canary.Split
		from  canary.Callers
		want  bool
	}{
		"nobody":                       {alone, canary.Callers{Mesh: true}, false},
		"a gateway":                    {alone, canary.Callers{Mesh: true, Gateway: true}, true},
		"callers without sidecar":      {alone, canary.Callers{Mesh: true, Plain: true}, true},
		"another rule":                 {several, canary.Callers{Mesh: true}, true},
		"a rule that cannot be split":  {refused, canary.Callers{Mesh: true}, true},
		"a rule that leads elsewhere":  {redirected, canary.Callers{Mesh: true}, false},
		"a rule of another host":       {old, canary.Callers{Mesh: true}, true},
		"a gateway with the same rule": {both, canary.Callers{Mesh: true, Gateway: true}, false},
	} {
		if got := c.split.OthersTakePart(&c.split.Candidates[0], c.from); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestVersionsAreInTheirOrder(t *testing.T) {
	pods := ""
	for _, version := range []string{"v10", "v-faulty"} {
		pods += "---\napiVersion: v1\nkind: Pod\nmetadata: {name: reviews-" + version + "-0, namespace: default, labels: {app: reviews, version: " + version + "}}\nspec: {containers: [{name: c, image: c}]}\nstatus: {phase: Running, podIP: 10.9.9." + strconv.Itoa(1+len(version)) + "}\n"
	}
	var got []string
	for _, v := range split(t, pods+subsets+"  - {name: next, labels: {version: v11}}\n").Versions {
		got = append(got, v.Version)
	}
	if diff := cmp.Diff([]string{"v1", "v2", "v3", "v10", "v-faulty", "v11"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAMatchThatTakesEverythingIsNone(t *testing.T) {
	s := split(t, subsets+strings.Replace(twoRules, "match: [{headers: {end-user: {exact: jason}}}]", "match: [{headers: {end-user: {exact: jason}}}, {name: rest}]", 1))
	if s.Preselected != "default/reviews/http[0]" || len(s.Candidates[0].Matches) != 0 {
		t.Errorf("preselected %s: %+v", s.Preselected, s.Candidates)
	}
}
