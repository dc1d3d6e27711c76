package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yaml "go.yaml.in/yaml/v4"
	"pgregory.net/rapid"
)

const virtualService = `# the reviews service
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, labels: {}}   # short
spec:
  hosts:
    - reviews   # who
    - "reviews.example.com"
  http:
    # everybody
    - route:
        - destination: {host: reviews, subset: v1}
          weight: 90 # most
        - destination:
            host: reviews
            subset: v2

          # few
          weight: 10
      timeout: 1s
    - name: rest
      match:
`

func TestSplice(t *testing.T) {
	for _, c := range []struct {
		name, old, want string
		edits           []Edit
	}{
		{"scalar", "weight: 90 # most", "weight: 50 # most", []Edit{{Op: Set, Path: "spec.http[0].route[0].weight", Value: "50"}}},
		{"in flow", "subset: v1}", "subset: v3}", []Edit{{Op: Set, Path: "spec.http[0].route[0].destination.subset", Value: "v3"}}},
		{"new in flow", "subset: v1}", "subset: v1, port: {number: 80}}", []Edit{{Op: Set, Path: "spec.http[0].route[0].destination.port", Value: "number: 80"}}},
		{"new in empty flow", "labels: {}}", "labels: {a: \"1\"}}", []Edit{{Op: Set, Path: "metadata.labels.a", Value: `"1"`}}},
		{
			"new field", "      timeout: 1s\n", "      timeout: 1s\n      retries:\n        attempts: 2\n        retryOn: 5xx\n",
			[]Edit{{Op: Set, Path: "spec.http[0].retries", Value: "{attempts: 2, retryOn: 5xx}"}},
		},
		{
			"new fields on the way", "      timeout: 1s\n", "      timeout: 1s\n      fault:\n        delay:\n          percentage:\n            value: 10\n",
			[]Edit{{Op: Set, Path: "spec.http[0].fault.delay.percentage.value", Value: "10"}},
		},
		{"new list item", "    - \"reviews.example.com\"\n", "    - \"reviews.example.com\"\n    - other\n", []Edit{{Op: Set, Path: "spec.hosts[2]", Value: "other"}}},
		{"insert item", "    - reviews   # who\n", "    - first\n    - reviews   # who\n", []Edit{{Op: Insert, Path: "spec.hosts[0]", Value: "first"}}},
		{
			"insert rule", "    # everybody\n    - route:\n", "    # everybody\n    - name: new\n      route:\n        - destination:\n            host: x\n    - route:\n",
			[]Edit{{Op: Insert, Path: "spec.http[0]", Value: "{name: new, route: [{destination: {host: x}}]}"}},
		},
		{"under nothing", "      match:\n", "      match:\n        - uri:\n            prefix: /a\n", []Edit{{Op: Set, Path: "spec.http[1].match[0].uri.prefix", Value: "/a"}}},
		{"delete field", "      timeout: 1s\n", "", []Edit{{Op: Delete, Path: "spec.http[0].timeout", Value: ""}}},
		{"delete item", "    - reviews   # who\n", "", []Edit{{Op: Delete, Path: "spec.hosts[0]", Value: ""}}},
		{"delete in flow", "{host: reviews, subset: v1}", "{subset: v1}", []Edit{{Op: Delete, Path: "spec.http[0].route[0].destination.host", Value: ""}}},
		{"delete last in flow", "{host: reviews, subset: v1}", "{host: reviews}", []Edit{{Op: Delete, Path: "spec.http[0].route[0].destination.subset", Value: ""}}},
		{"delete behind a dash", "    - name: rest\n      match:\n", "    - match:\n", []Edit{{Op: Delete, Path: "spec.http[1].name", Value: ""}}},
		{"delete what is not there", "", "", []Edit{{Op: Delete, Path: "spec.tls", Value: ""}, {Op: Delete, Path: "spec.http[7]", Value: ""}}},
		{"same again", "", "", []Edit{{Op: Set, Path: "spec.http[0].timeout", Value: "1s"}}},
		{
			"collection for a scalar", "timeout: 1s\n", "timeout:\n        a: 1\n        b:\n          - 2\n",
			[]Edit{{Op: Set, Path: "spec.http[0].timeout", Value: "{a: 1, b: [2]}"}},
		},
		{"text that looks like a number", "timeout: 1s\n", "timeout: \"80\"\n", []Edit{{Op: Set, Path: "spec.http[0].timeout", Value: `"80"`}}},
		{
			"several lines", "timeout: 1s\n", "timeout: |\n        a\n        b\n",
			[]Edit{{Op: Set, Path: "spec.http[0].timeout", Value: `"a\nb\n"`}},
		},
		{"key to quote", "labels: {}}", `labels: {"on": x, a.b/c: d}}`, []Edit{{Op: Set, Path: `metadata.labels.on`, Value: `"x"`}, {Op: Set, Path: `metadata.labels["a.b/c"]`, Value: "d"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Splice(t.Context(), []byte(virtualService), c.edits...)
			if err != nil {
				t.Fatal(err)
			}
			want := virtualService
			if c.old != "" {
				if strings.Count(want, c.old) != 1 {
					t.Fatalf("%q is not there once", c.old)
				}
				want = strings.Replace(want, c.old, c.want, 1)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpliceOfJSON(t *testing.T) {
	const text = "{\n  \"kind\": \"X\",\n  \"spec\": {\"a\": [1, 2], \"b\": {}}\n}\n"
	got, err := Splice(t.Context(), []byte(text), Edit{Op: Set, Path: "spec.a[1]", Value: "3"}, Edit{Op: Set, Path: "spec.b.c", Value: "{d: e}"}, Edit{Op: Delete, Path: "kind", Value: ""})
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"spec\": {\"a\": [1, 3], \"b\": {\"c\":{\"d\":\"e\"}}}\n}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpliceRefuses(t *testing.T) {
	for _, e := range []Edit{
		{Op: Set, Path: "", Value: "1"},
		{Op: Set, Path: "spec.hosts.x", Value: "1"},
		{Op: Set, Path: "spec.hosts[5]", Value: "1"},
		{Op: Set, Path: "spec[0]", Value: "1"},
		{Op: Set, Path: "spec.hosts[0].x", Value: "1"},
		{Op: Set, Path: "spec.hosts", Value: ""},
		{Op: Set, Path: "spec.hosts", Value: "[a"},
		{Op: Set, Path: "spec.hosts", Value: "&x [a]"},
		{Op: Insert, Path: "spec.hosts", Value: "a"},
		{Op: Insert, Path: "spec.hosts[9]", Value: "a"},
		{Op: Set, Path: "spec..x", Value: "1"},
		{Op: Set, Path: "spec" + strings.Repeat(".a", 64), Value: "1"},
		{Op: Set, Path: "spec" + strings.Repeat("[0]", 64), Value: "1"},
		{Op: Set, Path: strings.Repeat("a.", 1<<20) + "b", Value: "1"},
		{Op: Set, Path: `spec["` + strings.Repeat("a", 1<<20) + `"]`, Value: "1"},
	} {
		got, err := Splice(t.Context(), []byte(virtualService), e)
		switch {
		case err == nil:
			t.Errorf("%v gave\n%s", e, got)
		case len(err.Error()) > 1<<10:
			t.Errorf("the refusal has %d bytes", len(err.Error()))
		}
	}
}

// TestSpliceGoesDeep shows that what may be nested can be edited.
func TestSpliceGoesDeep(t *testing.T) {
	path := "spec" + strings.Repeat(".a", 63)
	got, err := Splice(t.Context(), []byte(virtualService), Edit{Op: Set, Path: path, Value: "deep"})
	if err != nil || !strings.Contains(string(got), "a: deep") {
		t.Errorf("%v\n%s", err, got)
	}
}

// drawn writes a random document: mappings and lists in block and flow style,
// texts in all quotes, comments and blank lines.
type drawn struct {
	r        *rapid.T
	b        strings.Builder
	comments int
}

func (d *drawn) pick(n int, what string) int { return rapid.IntRange(0, n-1).Draw(d.r, what) }

func (d *drawn) scalar(flow bool) string {
	words := []string{"a", "12", "true", "x y z", `"q\n#"`, `'it''s'`, "1s", "~", "http://x:80/a", `""`, "é ü"}
	if !flow {
		words = append(words, "a,b]", "v # no", "|-\n")
		words = words[:len(words)-2]
	}
	return words[d.pick(len(words), "scalar")]
}

func (d *drawn) comment(indent string) {
	switch d.pick(6, "comment") {
	case 0:
		d.comments++
		fmt.Fprintf(&d.b, "%s# c%d\n", indent, d.comments)
	case 1:
		d.b.WriteString("\n")
	}
}

func (d *drawn) trailing() {
	if d.pick(6, "trailing") == 0 {
		d.comments++
		fmt.Fprintf(&d.b, "  # t%d", d.comments)
	}
	d.b.WriteString("\n")
}

func (d *drawn) flow(depth int) string {
	switch kind := d.pick(4, "flow kind"); {
	case kind == 0 && depth > 0:
		var parts []string
		for i := range d.pick(3, "flow size") {
			parts = append(parts, fmt.Sprintf("k%d: %s", i, d.flow(depth-1)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case kind == 1 && depth > 0:
		var parts []string
		for range d.pick(3, "flow size") {
			parts = append(parts, d.flow(depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		return d.scalar(true)
	}
}

// value writes what follows a colon or dash whose collection stands at indent.
func (d *drawn) value(indent int, depth int) {
	switch kind := d.pick(6, "kind"); {
	case kind <= 1 && depth > 0:
		d.trailing()
		d.mapping(indent+2, depth-1, true)
	case kind == 2 && depth > 0:
		d.trailing()
		d.list(indent+2*d.pick(2, "list indent"), depth-1)
	case kind == 3:
		d.b.WriteString(" " + d.flow(2))
		d.trailing()
	case kind == 4 && d.pick(3, "literal") == 0:
		fmt.Fprintf(&d.b, " |\n%s  line one\n\n%s    # not a comment\n", strings.Repeat(" ", indent), strings.Repeat(" ", indent))
	default:
		d.b.WriteString(" " + d.scalar(false))
		d.trailing()
	}
}

func (d *drawn) mapping(indent, depth int, fresh bool) {
	pad := strings.Repeat(" ", indent)
	for i := range 1 + d.pick(3, "size") {
		if i > 0 || fresh {
			d.comment(pad)
			d.b.WriteString(pad)
		}
		fmt.Fprintf(&d.b, "k%d:", i)
		d.value(indent, depth)
	}
}

func (d *drawn) list(indent, depth int) {
	pad := strings.Repeat(" ", indent)
	for range 1 + d.pick(3, "items") {
		d.comment(pad)
		d.b.WriteString(pad + "-")
		switch kind := d.pick(3, "item"); {
		case kind == 0 && depth > 0:
			d.b.WriteString(" ")
			d.mapping(indent+2, depth-1, false)
		default:
			d.b.WriteString(" " + d.flow(1))
			d.trailing()
		}
	}
}

func drawDocument(r *rapid.T) []byte {
	d := &drawn{r: r}
	d.mapping(0, 3, true)
	return []byte(d.b.String())
}

func drawPath(r *rapid.T, s *sheet) Path {
	var path Path
	n := s.root
	for len(path) < 6 {
		size := len(n.Content)
		switch {
		case n.Tag == "!!seq" || strings.HasSuffix(n.ShortTag(), "seq"):
			i := rapid.IntRange(0, size).Draw(r, "index")
			path = path.Item(i)
			if i == size {
				return path
			}
			n = n.Content[i]
		case strings.HasSuffix(n.ShortTag(), "map"):
			i := rapid.IntRange(0, size/2).Draw(r, "field")
			if i == size/2 {
				return path.Key("new")
			}
			path = path.Key(n.Content[2*i].Value)
			n = n.Content[2*i+1]
		default:
			return path
		}
		if rapid.IntRange(0, 2).Draw(r, "stop") == 0 {
			return path
		}
	}
	return path
}

// TestSpliceTouchesOnlyItsRange: whatever the layout, an edit leads to the right
// values, and what stands before the entry and after it stays as it is.
func TestSpliceTouchesOnlyItsRange(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := drawDocument(r)
		s, err := parseSheet(text)
		if err != nil {
			r.Fatalf("the drawn document is wrong: %v\n%s", err, text)
		}
		path := drawPath(r, s)
		op := rapid.SampledFrom([]Op{Set, Set, Delete, Insert}).Draw(r, "op")
		value := rapid.SampledFrom([]string{"5", "text", `"5"`, "{a: 1, b: [x, y]}", "[1, {c: d}]", "[]", `"two\nlines"`}).Draw(r, "value")
		e := Edit{Op: op, Path: path.String(), Value: value}
		got, err := Splice(t.Context(), text, e)
		if err != nil {
			if op == Insert {
				return // into a mapping
			}
			r.Fatalf("%v: %v\n%s", e, err, text)
		}
		node := s.root
		if op != Delete {
			if node, err = parseValue(value); err != nil {
				r.Fatal(err)
			}
		}
		want, err := edited(s.root, op, path, node)
		if err != nil {
			r.Fatal(err)
		}
		again, err := parseSheet(got)
		if err != nil || !sameTree(want, again.root) {
			r.Fatalf("%v gave %v\n%s\nfrom\n%s", e, err, got, text)
		}
		at, rest := s.walk(path)
		if at.parent == nil && len(rest) == 0 {
			return
		}
		if len(rest) > 0 && op == Delete {
			if !bytes.Equal(text, got) {
				r.Fatalf("removing nothing changed the text")
			}
			return
		}
		// The range is the value with what leads to it, its key or dash; for the
		// last entry of a collection, which leaves {} or [], that collection.
		whole := at
		for op == Delete && len(whole.parent.Content) <= 2 && whole.parent != s.root {
			path = path[:len(path)-1]
			if whole, _ = s.walk(path); len(whole.node.Content) > 0 {
				break
			}
		}
		start, to := s.start(whole.node), s.lineEnd(s.start(whole.node))
		if end, ok := s.end(whole.node, s.parentColumn(whole)); ok {
			to = s.lineEnd(end)
		}
		if whole.parent != nil && whole.parent.Style&yaml.FlowStyle == 0 {
			if head, ok := s.head(whole); ok {
				start = head
			}
		}
		start = s.lineStart(start)
		if op == Delete && start > 0 {
			start-- // the line break before the last line of a text
		}
		if !bytes.HasPrefix(got, text[:start]) {
			r.Fatalf("%v changed what stands before\n%s\nfrom\n%s", e, got, text)
		}
		// What followed the first entry of a list item stands behind the dash.
		if tail := bytes.TrimLeft(text[min(to+1, len(text)):], " "); !bytes.HasSuffix(got, tail) {
			r.Fatalf("%v changed what stands behind\n%s\nfrom\n%s", e, got, text)
		}
	})
}

func FuzzSplice(f *testing.F) {
	f.Add([]byte(virtualService), "set", "spec.http[0].timeout", "2s")
	f.Add([]byte("a: [1, {b: c}]\n"), "insert", "a[0]", "x: y")
	f.Add([]byte("- a\n- - b\n"), "delete", "[1][0]", "")
	f.Add([]byte("a: &x {b: 1}\nc: *x\n"), "set", "a.b", "2")
	f.Fuzz(func(t *testing.T, text []byte, op, path, value string) {
		got, err := Splice(t.Context(), text, Edit{Op: Op(op), Path: path, Value: value})
		if err != nil {
			return
		}
		if _, err := parseSheet(got); err != nil {
			t.Errorf("%s %s %q made\n%s\nof\n%s\n%v", op, path, value, got, text, err)
		}
	})
}

func TestSpliceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Splice(ctx, []byte(virtualService), Edit{Op: Delete, Path: "spec"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}
