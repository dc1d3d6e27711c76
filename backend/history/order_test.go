package history

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

const (
	destination = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: %s}\nspec: {host: reviews%s}\n"
	peers       = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: %s}\nspec: {mtls: {mode: %s}}\n"
	virtual     = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %s}\nspec: {hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v1}, weight: %d}, {destination: {host: reviews, subset: v2}, weight: %d}]%s}]}\n"
	entry       = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: %s}\nspec: {hosts: [a.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}\n"
	plainTLS    = ", trafficPolicy: {tls: {mode: DISABLE}}"
	mutualTLS   = ", trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}"
)

func object(t *testing.T, format string, args ...any) *mesh.Object {
	t.Helper()
	r := config.Decode("", fmt.Appendf(nil, format, args...))
	if len(r.Objects) != 1 {
		t.Fatalf("no object: %v", r.Problems)
	}
	return r.Objects[0]
}

func TestSteps(t *testing.T) {
	write := func(o *mesh.Object) source.Change { return source.Change{Ref: o.Ref, Text: o.Text} }
	remove := func(o *mesh.Object) source.Change { return source.Change{Ref: o.Ref} }
	dr, vs, se := object(t, destination, "dr", ""), object(t, virtual, "vs", 1, 99, ""), object(t, entry, "se")
	plain, mutual := object(t, destination, "dr", plainTLS), object(t, destination, "dr", mutualTLS)
	strict, permissive := object(t, peers, "pa", "STRICT"), object(t, peers, "pa", "PERMISSIVE")
	otherStrict := object(t, peers, "pb", "STRICT")
	tests := []struct {
		name    string
		present []*mesh.Object
		changes []source.Change
		want    []string // a line each step
	}{
		{"subsets before routes", nil, []source.Change{write(vs), write(dr), write(se)}, []string{"se dr vs"}},
		{"routes go before subsets", []*mesh.Object{vs, dr, se}, []source.Change{remove(se), remove(dr), remove(vs)}, []string{"-vs -dr -se"}},
		{"deleted last", []*mesh.Object{dr}, []source.Change{remove(dr), write(vs)}, []string{"vs -dr"}},
		{"servers alone", nil, []source.Change{write(strict)}, []string{"pa"}},
		{"callers alone", nil, []source.Change{write(mutual)}, []string{"dr"}},
		{"callers that do not change how they call", []*mesh.Object{mutual, permissive}, []source.Change{write(mutual), write(strict)}, []string{"dr pa"}},
		{"callers before servers close", []*mesh.Object{plain, permissive}, []source.Change{write(strict), write(mutual)}, []string{"dr", "pa"}},
		{"servers open before callers", []*mesh.Object{mutual, strict}, []source.Change{write(plain), write(permissive)}, []string{"pa", "dr"}},
		{"a strict policy that goes opens", []*mesh.Object{mutual, strict}, []source.Change{write(plain), remove(strict)}, []string{"-pa", "dr"}},
		{"an exception that goes closes", []*mesh.Object{plain, permissive}, []source.Change{remove(permissive), write(mutual)}, []string{"dr", "-pa"}},
		{"all three", []*mesh.Object{plain, strict}, []source.Change{write(otherStrict), write(mutual), write(permissive), write(vs)}, []string{"pa", "dr vs", "pb"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, step := range Steps(tt.changes, first(tt.present)) {
				var names []string
				for _, c := range step {
					name := c.Ref.Name
					if c.Text == nil {
						name = "-" + name
					}
					names = append(names, name)
				}
				got = append(got, strings.Join(names, " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSummaries(t *testing.T) {
	change := func(before, after *mesh.Object) []edit {
		e := edit{before: textOf(before), after: textOf(after)}
		for _, o := range []*mesh.Object{before, after} {
			if o != nil {
				e.ref = o.Ref
			}
		}
		return []edit{e}
	}
	name := map[string]string{"kind": "VirtualService", "namespace": "default", "name": "vs"}
	with := func(more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range name {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	even, shifted, slow := object(t, virtual, "vs", 100, 0, ""), object(t, virtual, "vs", 70, 30, ""), object(t, virtual, "vs", 70, 30, ", timeout: 1s")
	tests := []struct {
		name  string
		edits []edit
		want  Summary
	}{
		{"new", change(nil, even), Summary{"created", name}},
		{"gone", change(even, nil), Summary{"deleted", name}},
		{"weights", change(even, shifted), Summary{"weights", with("route", "0", "labels", "v1/v2", "from", "100/0", "to", "70/30")}},
		{"more than weights", change(even, slow), Summary{"changed", name}},
		{"something else", change(shifted, slow), Summary{"changed", name}},
		{"several", append(change(nil, even), change(slow, nil)...), Summary{"several", map[string]string{"created": "1", "changed": "0", "deleted": "1"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, summarize(tt.edits, "")); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// Steps wait for the proxies between, and for nothing behind the last.
func TestStepsSettleBetween(t *testing.T) {
	b := newBench(t)
	var settled []string
	b.start(Options{Settle: func(_ context.Context, written []*mesh.Object) {
		for _, o := range written {
			settled = append(settled, o.Name)
		}
	}})
	write := func(format string, args ...any) source.Change {
		o := object(t, format, args...)
		return source.Change{Ref: o.Ref, Text: o.Text, Expect: source.Any}
	}
	b.write(eve, write(peers, "pa", "STRICT"), write(destination, "dr", mutualTLS))
	if diff := cmp.Diff([]string{"dr"}, settled); diff != "" {
		t.Error(diff)
	}
	b.write(eve, write(destination, "dr", ""), write(virtual, "vs", 1, 99, ""))
	b.look()
	b.says("console eve: +pa +dr", "console eve: ~dr +vs")
}

// A step that fails takes those before it back.
func TestFailedStepsArePutBack(t *testing.T) {
	b := newBench(t)
	was := object(t, destination, "dr", plainTLS)
	b.edit("dr.yaml", "# mine\n"+string(was.Text))
	b.edit("pa.yaml", string(object(t, peers, "pa", "PERMISSIVE").Text))
	b.look()
	b.start(Options{Settle: func(context.Context, []*mesh.Object) {
		b.edit("pa.yaml", string(object(t, peers, "pa", "DISABLE").Text)) // somebody else
	}})
	version := func(name string) string {
		for _, o := range b.observe().objects {
			if o.Name == name {
				return o.Version
			}
		}
		return ""
	}
	dr, pa := object(t, destination, "dr", mutualTLS), object(t, peers, "pa", "STRICT")
	_, err := b.Write(t.Context(), eve, []source.Change{
		{Ref: pa.Ref, Text: pa.Text, Expect: version("pa")},
		{Ref: dr.Ref, Text: dr.Text, Expect: version("dr")},
	})
	if !errors.Is(err, source.ErrStale) {
		t.Fatalf("it failed with %v", err)
	}
	if got := b.read("dr.yaml"); got != "# mine\n"+string(was.Text) {
		t.Errorf("the first step was not put back: %s", got)
	}
	b.look()
	b.says("file file: +dr +pa", "file file: ~pa")
}
