package validate

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// hostile are texts of a megabyte, and what is hard about each.
func hostile() map[string]string {
	const megabyte = 1 << 20
	fill := func(head, item, tail string) string {
		return head + strings.Repeat(item, (megabyte-len(head)-len(tail))/len(item)) + tail
	}
	numbered := func(head string, item func(i int) string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < megabyte-200; i++ {
			b.WriteString(item(i))
		}
		return b.String()
	}
	virtualService := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n"
	services := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "---\n%s", service(fmt.Sprintf("service-%04d", i)))
		}
		return b.String()
	}
	subsets := func(n int) string {
		var b strings.Builder
		b.WriteString(service("a") + "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n  host: a\n  subsets:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - {name: subset-%04d, labels: {a: b}}\n", i)
		}
		return b.String()
	}
	hosts := func(n int) string {
		var b strings.Builder
		b.WriteString("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  hosts:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - b%s-%04d.example.com\n", strings.Repeat("-a", 18), i)
		}
		return b.String()
	}
	return map[string]string{
		"nesting":   fill("a: ", "[", ""),
		"mappings":  fill("a: ", "{a: ", ""),
		"brackets":  fill("a: [", "1,", "]"),
		"documents": fill("", "---\na: 1\n", ""),
		"services":  numbered("", func(i int) string { return fmt.Sprintf("---\n%s", service(fmt.Sprintf("s%d", i))) }),
		"same":      fill("", "---\n"+service("same"), ""),
		"aliases": "a: &a [" + strings.Repeat("x,", 1000) + "]\nb: &b [" + strings.Repeat("*a,", 1000) + "]\nc: &c [" +
			strings.Repeat("*b,", 1000) + "]\nd: [" + strings.Repeat("*c,", 1000) + "]\n",
		"numbers": fill("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: ", "9", "}]}\n"),
		"nothing": fill("", "\x00\xff", ""),
		"routes": numbered(virtualService, func(i int) string {
			return fmt.Sprintf("  - match: [{uri: {prefix: /%d}}]\n    route: [{destination: {host: h%d, subset: s%d}}]\n", i, i, i)
		}),
		"wrong hosts": numbered(services(1000)+"---\n"+virtualService, func(i int) string {
			return fmt.Sprintf("  - route: [{destination: {host: service-%04d}}]\n", 1000+i)
		}),
		"wrong subsets": numbered(subsets(8000)+"---\n"+virtualService, func(i int) string {
			return fmt.Sprintf("  - route: [{destination: {host: a, subset: subset-%04d}}]\n", 8000+i)
		}),
		"wrong everywhere": numbered(hosts(5000), func(i int) string {
			return fmt.Sprintf("---\n%s", strings.Replace(virtualService, "name: a", fmt.Sprintf("name: a%d", i), 1)) +
				strings.Repeat("  - route: [{destination: {host: a"+strings.Repeat("-a", 20)+".example.com}}]\n", maxGuesses)
		}),
		"matches": numbered(virtualService+"  - route: [{destination: {host: a}}]\n    match:\n", func(i int) string {
			return fmt.Sprintf("    - {uri: {regex: \"/%d.*\"}}\n", i)
		}),
		"same matches": fill(virtualService+"  - route: [{destination: {host: a}}]\n    match:\n", "    - {uri: {regex: \".*\"}}\n", ""),
		"hosts": numbered("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  http: [{route: [{destination: {host: a}}]}]\n  hosts:\n", func(i int) string {
			return fmt.Sprintf("  - h%d.example.com\n", i)
		}),
		"entries": numbered("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  hosts:\n", func(i int) string {
			return fmt.Sprintf("  - \"*.h%d.example.com\"\n", i)
		}),
		"labels of a host":    fill(virtualService+"  - route: [{destination: {host: ", "a.", "b}}]\n"),
		"labels of an entry":  fill("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  hosts: [", "a.", "b]\n"),
		"labels of a rule":    fill("apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: ", "a.", "b}\n"),
		"labels of routes":    fill("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {http: [{route: [{destination: {host: a}}]}], hosts: [", "a.", "b]}\n"),
		"labels of a Gateway": fill("apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {selector: {a: b}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [", "a.", "b]}]}\n"),
		"labels of a Sidecar": fill("apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {egress: [{hosts: [\"./", "a.", "b\"]}]}\n"),
		"labels of a policy":  fill("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\nspec: {rules: [{to: [{operation: {hosts: [\"", "a.", "b\"]}}]}]}\n"),
		"gateways": numbered("", func(i int) string {
			return fmt.Sprintf("---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g%d}\nspec: {selector: {a: b}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [\"*\"]}]}\n", i)
		}),
		"sidecars": numbered("", func(i int) string {
			return fmt.Sprintf("---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s%d}\nspec: {egress: [{hosts: [\"./*\"]}]}\n", i)
		}),
		"virtual services": numbered("", func(i int) string {
			return fmt.Sprintf("---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v%d}\nspec: {hosts: [same], http: [{route: [{destination: {host: same}}]}]}\n", i)
		}),
		"policies": numbered("", func(i int) string {
			return fmt.Sprintf("---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p%d}\nspec: {rules: [{from: [{source: {namespaces: [n%d]}}]}]}\n", i, i)
		}),
		"pods and services": numbered("", func(i int) string {
			return fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, labels: {a: b}}\nspec: {containers: [{name: a, image: a}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n", i, i)
		}),
	}
}

// timesOrdinary is how many times as much of the processor a hostile megabyte may
// take as an ordinary one, of services as people write them: that makes no
// difference between slow machines, busy ones, and the race detector.
const timesOrdinary = 6

// ordinary is what an ordinary megabyte takes of the processor, here and now.
func ordinary(t *testing.T) time.Duration {
	text := entriesText(2_000, 50)
	data := []byte(text[:strings.LastIndex(text[:1<<20], "---")])
	took := make([]time.Duration, 3)
	for i := range took {
		took[i] = filesTime(t, data)
	}
	slices.Sort(took)
	return took[1]
}

// filesTime is what checking a file takes of the processor.
func filesTime(t *testing.T, data []byte) time.Duration {
	before := processorTime(t)
	Files([]config.File{{Name: "a.yaml", Data: data}}, Together, FileOptions{Settings: mesh.DefaultSettings(), Splices: true})
	return processorTime(t) - before
}

// TestFilesAreBounded holds what any megabyte may cost: a few times as much as an
// ordinary one, and 200 MB.
func TestFilesAreBounded(t *testing.T) {
	// What the commands that read files set too: else it is chance how much garbage
	// lies about on a busy machine.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(160 << 20))
	bound := timesOrdinary * ordinary(t)
	t.Logf("at most %v", bound)
	for name, text := range hostile() {
		var took time.Duration
		peak := peakHeap(func() {
			took = filesTime(t, []byte(text))
		})
		t.Logf("%-18s %8.0f ms %4d MB", name, took.Seconds()*1000, peak>>20)
		if took > bound || peak > 200<<20 {
			t.Errorf("%s: %v and %d MB", name, took, peak>>20)
		}
	}
}

// TestHostileTextIsToldOf holds that a check that is broken off is named, at the
// same place whatever the number of cores.
func TestHostileTextIsToldOf(t *testing.T) {
	text := hostile()["gateways"]
	file := config.File{Name: "a.yaml", Data: []byte(text[:strings.LastIndex(text[:200_000], "---")])}
	var first []Located
	for _, cores := range []int{1, 2, 3} {
		before := runtime.GOMAXPROCS(cores)
		a := Files([]config.File{file}, Together, FileOptions{Settings: mesh.DefaultSettings()})
		runtime.GOMAXPROCS(before)
		if !slices.ContainsFunc(a.Unknown, func(u Unknown) bool { return u.Effort }) {
			t.Errorf("%d cores: no check was broken off: %v", cores, a.Unknown)
		}
		if first == nil {
			first = a.Findings
		} else if diff := cmp.Diff(first, a.Findings); diff != "" {
			t.Errorf("%d cores find something else than one: %.2000s", cores, diff)
		}
	}
}

// processorTime is what the test took of the processor until now, which other
// programs on a busy machine do not change.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakHeap is how much memory the heap grew to while work was done.
func peakHeap(work func()) uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before, peak := sample[0].Value.Uint64(), uint64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	work()
	close(done)
	<-stopped
	return peak - min(peak, before)
}

func FuzzFiles(f *testing.F) {
	f.Add([]byte(shop))
	for _, text := range hostile() {
		f.Add([]byte(text[:min(len(text), 2000)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		before := processorTime(t)
		a := Files([]config.File{{Name: "a.yaml", Data: data}}, Together, FileOptions{Settings: mesh.DefaultSettings()})
		if took := processorTime(t) - before; took > 20*time.Second {
			t.Errorf("%v", took)
		}
		if len(a.Findings) > maxInFile+1 {
			t.Errorf("%d findings", len(a.Findings))
		}
		for _, l := range a.Findings {
			if l.Code == mesh.CodeFault || l.Message == "" || l.Code == "" || l.File != "" && l.DocumentLine < 1 {
				t.Errorf("incomplete, or a check broke off: %+v", l)
			}
		}
	})
}
