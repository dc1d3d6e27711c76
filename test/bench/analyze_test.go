package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// What analyzing 3,000 objects may cost on two cores.
const (
	manyObjects      = 1000 // of each kind
	analyzeWithin    = 600 * time.Millisecond
	analyzeMemory    = 200 << 20
	followWithin     = 20 * time.Millisecond
	analyzeRuns      = 5
	analyzeCores     = 2
	followRepeatedly = 9
)

// manyFiles are 1,000 ServiceEntries with five endpoints each, the
// VirtualServices that route to them, and DestinationRules with the subsets.
func manyFiles() []config.File {
	var files []config.File
	add := func(kind, text string) {
		files = append(files, config.File{Name: fmt.Sprintf("%s-%04d.yaml", kind, len(files)), Data: []byte(text)})
	}
	for i := range manyObjects {
		name := fmt.Sprintf("ext-%04d", i)
		namespace := fmt.Sprintf("team-%02d", i%50)
		var endpoints strings.Builder
		for k := range 5 {
			fmt.Fprintf(&endpoints, "  - address: 10.%d.%d.%d\n    labels:\n      version: v%d\n", 100+k, i/250, 1+i%250, 1+k%2)
		}
		add("se", fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  hosts:
  - %[1]s.example.com
  location: MESH_EXTERNAL
  resolution: STATIC
  ports:
  - number: 80
    name: http
    protocol: HTTP
  endpoints:
%[3]s`, name, namespace, endpoints.String()))
		add("vs", manyRoutes(name, namespace, 5))
		add("dr", fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  host: %[1]s.example.com
  trafficPolicy:
    loadBalancer:
      simple: LEAST_REQUEST
  subsets:
  - name: v1
    labels:
      version: v1
  - name: v2
    labels:
      version: v2
`, name, namespace))
	}
	return files
}

func manyRoutes(name, namespace string, seconds int) string {
	return fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  hosts:
  - %[1]s.example.com
  http:
  - match:
    - uri:
        prefix: /v2
    route:
    - destination:
        host: %[1]s.example.com
        subset: v2
  - timeout: %[3]ds
    route:
    - destination:
        host: %[1]s.example.com
        subset: v1
      weight: 90
    - destination:
        host: %[1]s.example.com
        subset: v2
      weight: 10
`, name, namespace, seconds)
}

// analyzeRun runs the command as a person would, and gives what it took.
func analyzeRun(b testing.TB, binary, dir string) (took time.Duration, memory int64) {
	b.Helper()
	cmd := exec.Command(binary, "analyze", dir)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", min(analyzeCores, runtime.NumCPU())))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(began)
	if err != nil || !strings.Contains(string(out), "in 3000 objects") {
		b.Fatalf("analyze: %v\n%.2000s", err, out)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = usage.Maxrss << 10
	}
	return took, memory
}

// BenchmarkAnalyze analyzes 3,000 files with every check: the median of five
// runs of the whole command.
func BenchmarkAnalyze(b *testing.B) {
	binary, dir := heddleBinary(b), writeFiles(b)
	for b.Loop() {
		took, memory := make([]time.Duration, analyzeRuns), int64(0)
		for i := range took {
			var m int64
			took[i], m = analyzeRun(b, binary, dir)
			memory = max(memory, m)
		}
		slices.Sort(took)
		median := took[analyzeRuns/2]
		b.ReportMetric(float64(median.Milliseconds()), "ms/analyze")
		b.ReportMetric(float64(memory>>20), "MB")
		if median > analyzeWithin || memory > analyzeMemory {
			b.Errorf("3,000 files took %v (median of %d) and %d MB; at most %v and %d MB", median, analyzeRuns, memory>>20, analyzeWithin, analyzeMemory>>20)
		}
	}
}

// BenchmarkAnalyzeFollows changes one VirtualService of 1,000 in the live mesh.
func BenchmarkAnalyzeFollows(b *testing.B) {
	for b.Loop() {
		if median := followMedian(b); median > followWithin {
			b.Errorf("findings were up to date after %v; at most %v", median, followWithin)
		} else {
			b.ReportMetric(float64(median.Microseconds())/1000, "ms/change")
		}
	}
}

// followMedian is how long findings take to follow a change.
func followMedian(t testing.TB) time.Duration {
	t.Helper()
	in := mesh.Inputs{Settings: mesh.DefaultSettings()}
	for _, r := range (config.Options{}).DecodeAll(manyFiles()) {
		in.Objects = append(in.Objects, r.Objects...)
	}
	s := mesh.Build(nil, in)
	engine := validate.NewEngine(validate.Options{})
	engine.Update(s)
	took := make([]time.Duration, followRepeatedly)
	for i := range took {
		changed := config.Decode("vs.yaml", []byte(manyRoutes("ext-0500", "team-00", 6+i))).Objects[0]
		began := time.Now()
		s = s.With(changed)
		engine.Update(s)
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// TestAnalyzeMany is the benchmark in small: one run of each, which any machine
// must do in several times the time.
func TestAnalyzeMany(t *testing.T) {
	took, memory := analyzeRun(t, heddleBinary(t), writeFiles(t))
	t.Logf("3,000 files: %v, %d MB", took, memory>>20)
	if took > 10*analyzeWithin || memory > analyzeMemory {
		t.Errorf("3,000 files took %v and %d MB; at most %v and %d MB", took, memory>>20, 10*analyzeWithin, analyzeMemory>>20)
	}
	follow := followMedian(t)
	t.Logf("one VirtualService changed: %v", follow)
	if follow > 10*followWithin {
		t.Errorf("findings were up to date after %v; at most %v", follow, 10*followWithin)
	}
}

func writeFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range manyFiles() {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// heddleBinary builds the program.
func heddleBinary(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "heddle")
	if out, err := exec.Command("go", "build", "-o", binary, "../../backend/cmd/heddle").CombinedOutput(); err != nil {
		t.Fatalf("build heddle: %v\n%s", err, out)
	}
	return binary
}
