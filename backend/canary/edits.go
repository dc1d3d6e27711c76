package canary

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// ErrNoCandidate says that there is no such rule, or none whose weights can be
// set.
var ErrNoCandidate = errors.New("no such rule can be split; ask for the candidates again")

// Edits are the entries of the change that gives the versions of a service these
// shares, in whole percent, together 100, in one candidate's rule. Of a rule that
// names all versions only the weights change. What is missing, a subset or a
// whole object, is made in the same change.
func Edits(snap *mesh.Snapshot, svc *mesh.Service, candidate string, weights map[string]int) ([]preview.Entry, error) {
	c := newCase(snap, svc)
	s := Of(snap, svc)
	i := slices.IndexFunc(s.Candidates, func(x Candidate) bool { return x.ID == candidate })
	if i < 0 {
		return nil, ErrNoCandidate
	}
	if err := c.sound(weights); err != nil {
		return nil, err
	}
	x := s.Candidates[i]
	names, entry := c.subsetNames(x, weights)
	var entries []preview.Entry
	if entry != nil {
		entries = append(entries, *entry)
	}
	if x.Ref == nil {
		return append(entries, c.newVirtualService(weights, names)), nil
	}
	vs, _ := snap.Get(*x.Ref)
	if edits := c.routeEdits(x, vs, weights, names); len(edits) > 0 {
		entries = append(entries, preview.Entry{Ref: *x.Ref, ETag: vs.Version, Edits: edits})
	}
	return entries, nil
}

// sound checks what somebody asks for.
func (c *splitting) sound(weights map[string]int) error {
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if !slices.ContainsFunc(c.versions, func(v Version) bool { return v.Version == name }) {
			return fmt.Errorf("service %s has no version %q", c.svc.Name, name)
		}
		if weights[name] < 0 {
			return fmt.Errorf("the share of %s is %d; a share is 0 to 100", name, weights[name])
		}
		sum += weights[name]
	}
	if sum != 100 {
		return fmt.Errorf("the shares add up to %d; they must add up to 100", sum)
	}
	return nil
}

// needed lists the versions that the rule must name: those that get something,
// and those that it names already.
func (c *splitting) needed(x Candidate, weights map[string]int) []Version {
	var list []Version
	for _, v := range c.versions {
		_, named := x.places[v.Version]
		if weights[v.Version] > 0 || named || x.Ref == nil && v.Pods > 0 {
			list = append(list, v)
		}
	}
	return list
}

// subsetNames gives the subset of each version that is needed, and the entry that
// makes those that are missing.
func (c *splitting) subsetNames(x Candidate, weights map[string]int) (map[string]string, *preview.Entry) {
	names := map[string]string{}
	var missing []Version
	for _, v := range c.needed(x, weights) {
		if v.Subset != "" {
			names[v.Version] = v.Subset
			continue
		}
		v.Subset = c.freeName(v.Version)
		names[v.Version] = v.Subset
		missing = append(missing, v)
	}
	if len(missing) == 0 {
		return names, nil
	}
	if c.rule == nil {
		return names, new(c.newDestinationRule(missing))
	}
	return names, new(c.moreSubsets(missing))
}

// freeName is a name that no subset has.
func (c *splitting) freeName(version string) string {
	name := version
	for n := 2; slices.ContainsFunc(c.subsets, func(s *networking.Subset) bool { return s.GetName() == name }); n++ {
		name = version + "-" + strconv.Itoa(n)
	}
	return name
}

// host is the service as its own namespace calls it.
func (c *splitting) host() string {
	if c.svc.Host == mesh.KubeHost(c.svc.Name, c.svc.Namespace, c.snap.Settings.ClusterDomain) {
		return c.svc.Name
	}
	return c.svc.Host
}

// newRef is a name for an object about the service that none of the kind has.
func (c *splitting) newRef(kind mesh.Kind) mesh.Ref {
	base := strings.ToLower(strings.Trim(strings.ReplaceAll(c.host(), "*", "all"), "."))
	ref := mesh.Ref{Kind: kind, Namespace: c.svc.Namespace, Name: base}
	for n := 2; ; n++ {
		if _, taken := c.snap.Get(ref); !taken {
			return ref
		}
		ref.Name = base + "-" + strconv.Itoa(n)
	}
}

func header(ref mesh.Ref) string {
	info, _ := config.Lookup(ref.Kind)
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n", info.APIVersion(), ref.Kind.Name, ref.Name, ref.Namespace)
}

func (c *splitting) newDestinationRule(versions []Version) preview.Entry {
	ref := c.newRef(mesh.KindDestinationRule)
	var b strings.Builder
	b.WriteString(header(ref))
	fmt.Fprintf(&b, "  host: %s\n  subsets:\n", scalar(c.host()))
	for _, v := range versions {
		fmt.Fprintf(&b, "    - name: %s\n      labels:\n", scalar(v.Subset))
		for _, k := range slices.Sorted(maps.Keys(v.Labels)) {
			fmt.Fprintf(&b, "        %s: %s\n", k, scalar(v.Labels[k]))
		}
	}
	return preview.Entry{Ref: ref, YAML: b.String()}
}

// moreSubsets adds subsets behind those that the rule has.
func (c *splitting) moreSubsets(versions []Version) preview.Entry {
	spec, _ := c.rule.Spec.(*networking.DestinationRule)
	e := preview.Entry{Ref: c.rule.Ref, ETag: c.rule.Version}
	have := len(spec.GetSubsets())
	for i, v := range versions {
		var labels []string
		for _, k := range slices.Sorted(maps.Keys(v.Labels)) {
			labels = append(labels, k+": "+scalar(v.Labels[k]))
		}
		value := fmt.Sprintf("{name: %s, labels: {%s}}", scalar(v.Subset), strings.Join(labels, ", "))
		e.Edits = append(e.Edits, config.Edit{Op: config.Set, Path: fmt.Sprintf("spec.subsets[%d]", have+i), Value: value})
	}
	return e
}

func (c *splitting) newVirtualService(weights map[string]int, names map[string]string) preview.Entry {
	ref := c.newRef(mesh.KindVirtualService)
	var b strings.Builder
	b.WriteString(header(ref))
	fmt.Fprintf(&b, "  hosts:\n    - %[1]s\n  http:\n    - route:\n", scalar(c.host()))
	for _, v := range c.versions {
		if names[v.Version] == "" {
			continue
		}
		fmt.Fprintf(&b, "        - destination:\n            host: %s\n            subset: %s\n          weight: %d\n",
			scalar(c.host()), scalar(names[v.Version]), weights[v.Version])
	}
	return preview.Entry{Ref: ref, YAML: b.String()}
}

// routeEdits set the weights of a rule that is there.
func (c *splitting) routeEdits(x Candidate, vs *mesh.Object, weights map[string]int, names map[string]string) []config.Edit {
	spec, _ := vs.Spec.(*networking.VirtualService)
	routes := spec.GetHttp()[*x.Route].GetRoute()
	at := fmt.Sprintf("spec.http[%d].route", *x.Route)
	var edits []config.Edit
	set := func(path, value string) {
		edits = append(edits, config.Edit{Op: config.Set, Path: at + path, Value: value})
	}
	places := maps.Clone(x.places)
	next := len(routes)
	if len(places) == 0 {
		// One destination for the whole service: it becomes the first version's.
		for _, v := range c.versions {
			if names[v.Version] != "" {
				set("[0].destination.subset", scalar(names[v.Version]))
				places[v.Version] = 0
				break
			}
		}
	}
	named := map[int]bool{}
	for _, v := range c.versions {
		i, ok := places[v.Version]
		if !ok {
			continue
		}
		named[i] = true
		if len(x.places) == 0 || int(routes[i].GetWeight()) != weights[v.Version] {
			set(fmt.Sprintf("[%d].weight", i), strconv.Itoa(weights[v.Version]))
		}
	}
	for i, d := range routes { // a second destination of a version that is named already
		if !named[i] && d.GetWeight() != 0 {
			set(fmt.Sprintf("[%d].weight", i), "0")
		}
	}
	host := routes[0].GetDestination().GetHost()
	port := ""
	if p := routes[0].GetDestination().GetPort().GetNumber(); p != 0 {
		port = fmt.Sprintf(", port: {number: %d}", p)
	}
	for _, v := range c.versions {
		if _, ok := places[v.Version]; ok || weights[v.Version] == 0 {
			continue
		}
		set(fmt.Sprintf("[%d]", next), fmt.Sprintf("{destination: {host: %s, subset: %s%s}, weight: %d}",
			scalar(host), scalar(names[v.Version]), port, weights[v.Version]))
		next++
	}
	return edits
}

// scalar writes a text as YAML: plain where it stays one.
func scalar(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r == '/')
	})
	starts := plain && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
	word := strings.ToLower(s)
	if starts && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, word) {
		return s
	}
	return strconv.Quote(s)
}
