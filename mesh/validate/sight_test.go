package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

// The work of one unit grows with what it looks at and with what it says, not with
// the product of both: neither for subsets, nor for wildcards, nor for ports.
func TestAUnitLooksAtEachThingOnce(t *testing.T) {
	list := func(n int, item func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(item(i))
		}
		return b.String()
	}
	routes := func(n int, destination func(i int) string) string {
		return "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n" +
			list(n, func(i int) string { return fmt.Sprintf("  - route: [{destination: %s}]\n", destination(i)) })
	}
	entries := func(n int, spec string) string {
		return list(n, func(i int) string {
			return fmt.Sprintf("---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e%d, namespace: b}\nspec: {%s}\n", i, spec)
		})
	}
	const open = "hosts: ['*.example.com'], ports: [{number: 80, name: http, protocol: HTTP}]"
	rules := func(n int, spec func(i int) string) string {
		return list(n, func(i int) string {
			return fmt.Sprintf("---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r%d, namespace: b}\nspec: {%s}\n", i, spec(i))
		})
	}
	for name, test := range map[string]struct {
		codes []string
		text  func(asks, has int) string
	}{
		"subsets of one rule": {[]string{"HDL2104"}, func(asks, has int) string {
			return rules(1, func(int) string {
				return "host: a.example.com, subsets: [" + list(has, func(i int) string { return fmt.Sprintf("{name: s%d},", i) }) + "]"
			}) + routes(asks, func(i int) string { return fmt.Sprintf("{host: a.example.com, subset: t%d}", i) })
		}},
		"subsets of many rules": {[]string{"HDL2104"}, func(asks, has int) string {
			return rules(has, func(i int) string { return fmt.Sprintf("host: '*.example.com', subsets: [{name: s%d}]", i) }) +
				routes(asks, func(i int) string { return fmt.Sprintf("{host: a%d.example.com, subset: t}", i) })
		}},
		"rules out of sight": {[]string{"HDL2104"}, func(asks, has int) string {
			return rules(has, func(int) string { return "host: '*.example.com', exportTo: [.], subsets: [{name: s}]" }) +
				routes(asks, func(i int) string { return fmt.Sprintf("{host: a%d.example.com, subset: s}", i) })
		}},
		"hosts under wildcards": {[]string{"HDL2101", "HDL2102", "HDL2103"}, func(asks, has int) string {
			return entries(has, open) + routes(asks, func(i int) string { return fmt.Sprintf("{host: a%d.example.com}", i) })
		}},
		"entries out of sight": {[]string{"HDL2101", "HDL2102", "HDL2103"}, func(asks, has int) string {
			return entries(has, open+", exportTo: [.]") + routes(asks, func(i int) string { return fmt.Sprintf("{host: a%d.example.com}", i) })
		}},
		"wildcards over hosts": {[]string{"HDL2101", "HDL2102", "HDL2103"}, func(asks, has int) string {
			return entries(has, strings.Replace(open, "*", "b", 1)) + routes(asks, func(int) string { return "{host: '*.example.com', port: {number: 81}}" })
		}},
		"ports": {[]string{"HDL2101", "HDL2102", "HDL2103"}, func(asks, has int) string {
			return "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [" + list(has, func(i int) string { return fmt.Sprintf("{port: %d, name: p%d},", i+1, i) }) + "]}\n" +
				routes(asks, func(int) string { return "{host: s, port: {number: 65000}}" })
		}},
		"hosts of a Sidecar": {[]string{"HDL2235"}, func(asks, has int) string {
			return entries(has, open+", exportTo: [.]") + "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec:\n  egress:\n  - hosts:\n" +
				list(asks, func(i int) string { return fmt.Sprintf("    - c/a%d.example.com\n", i) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			// The small one comes first: where the work grows with the product of both
			// numbers it is told in time.
			for _, n := range []int{100, 2000} {
				s := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, test.text(n, n))})
				x := newIndex(s)
				for i := range List {
					c := &List[i]
					if !slices.Contains(test.codes, c.Code) {
						continue
					}
					for _, k := range keysOf(s, c) {
						u := &unit{check: c, key: k}
						allocations := int(testing.AllocsPerRun(1, func() { u.run(x, Evidence{}, false) }))
						t.Logf("%s of %d and %d: %d findings, effort %d, %d allocations", c.Code, n, n, len(u.found), u.effort, allocations)
						if u.effort > 20*2*n || allocations > 50*2*n {
							t.Fatalf("%s: an effort of %d and %d allocations for %d and %d", c.Code, u.effort, allocations, n, n)
						}
						for _, f := range u.found {
							if len(f.Message) > 1000 {
								t.Fatalf("%s: one finding says %d bytes", c.Code, len(f.Message))
							}
						}
					}
				}
			}
		})
	}
}
