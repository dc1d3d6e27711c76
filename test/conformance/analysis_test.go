package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

var update = flag.Bool("update", false, "write what Heddle alone finds into the golden file")

// analysisCase is one run of the reference over a group of files.
type analysisCase struct {
	Mode     string   `json:"mode"` // "all", or "single" for one analyzer alone
	Analyzer string   `json:"analyzer"`
	Files    []string `json:"files"`
	Mesh     string   `json:"mesh"`
	Networks string   `json:"networks"`
	Messages []struct {
		Code   string `json:"code"`
		Level  string `json:"level"`
		Object string `json:"object"`
		At     string `json:"at"`
	} `json:"messages"`
}

// id names a run by its mode, its analyzer where it is for one alone, and its
// files.
func (c analysisCase) id() string {
	names := make([]string, len(c.Files))
	for i, f := range c.Files {
		names[i] = strings.TrimSuffix(filepath.Base(f), ".yaml")
	}
	id := c.Mode + " " + strings.Join(names, "+")
	if c.Mode == "single" {
		id += " " + c.Analyzer
	}
	return id
}

// said is what of a finding is compared.
type said struct {
	code, severity, object string
	line                   int // of the document
}

func (s said) String() string {
	return fmt.Sprintf("%s %s %s line %d", s.code, s.severity, s.object, s.line)
}

// checksOf are our codes for what each analyzer of the reference looks for.
var checksOf = map[string][]string{
	"applicationUID.Analyzer":                              {"HDL1401"},
	"auth.AuthorizationPoliciesAnalyzer":                   {"HDL2501", "HDL2502"},
	"authn.BlockedCIDRsAnalyzer":                           {"HDL2511"},
	"deployment.MultiServiceAnalyzer":                      {"HDL2801", "HDL2802"},
	"deprecation.DeprecationAnalyzer":                      {"HDL1321", "HDL1322", "HDL1323"},
	"destinationrule.CaCertificateAnalyzer":                {"HDL1201", "HDL1202"},
	"destinationrule.SubsetSelectPodAnalyzer":              {"HDL2201", "HDL2202"},
	"envoyfilter.EnvoyPatchAnalyzer":                       {"HDL1301", "HDL1302", "HDL1303", "HDL1304", "HDL1305"},
	"externalcontrolplane.ExternalControlPlaneAnalyzer":    {"HDL2903", "HDL2904"},
	"gateway.CertificateAnalyzer":                          {"HDL2306"},
	"gateway.ConflictingGatewayAnalyzer":                   {"HDL2304"},
	"gateway.IngressGatewayPortAnalyzer":                   {"HDL2301", "HDL2302"},
	"gateway.SecretAnalyzer":                               {"HDL2301", "HDL2307", "HDL2314"},
	"injection.Analyzer":                                   {"HDL2821", "HDL2822", "HDL2823", "HDL2824"},
	"injection.ImageAnalyzer":                              {"HDL2827"},
	"injection.ImageAutoAnalyzer":                          {"HDL2825", "HDL2826"},
	"k8sgateway.CRDVersionAnalyzer":                        {"HDL2905", "HDL2906", "HDL2907"},
	"k8sgateway.SelectorAnalyzer":                          {"HDL2510"},
	"service.PortNameAnalyzer":                             {"HDL1411", "HDL1412"},
	"serviceentry.Analyzer":                                {"HDL1211"},
	"serviceentry.ConflictingServiceEntryProtocolAnalyzer": {"HDL2221"},
	"sidecar.SelectorAnalyzer":                             {"HDL2231", "HDL2232", "HDL2233", "HDL2234"},
	"telemetry.LightstepAnalyzer":                          {"HDL2525"},
	"telemetry.SelectorAnalyzer":                           {"HDL2521", "HDL2522", "HDL2523"},
	"virtualservice.ConflictingMeshGatewayHostsAnalyzer":   {"HDL2109"},
	"virtualservice.DestinationHostAnalyzer":               {"HDL2101", "HDL2102", "HDL2103", "HDL2104", "HDL2111"},
	"virtualservice.GatewayAnalyzer":                       {"HDL2105", "HDL2107", "HDL2108"},
	"webhook.Analyzer":                                     {"HDL2901", "HDL2902"},
}

// otherFindings are the runs in which Heddle's findings are others, with the
// reason.
var otherFindings = map[string]string{
	"all virtualservice_gateways": "the reference knows the gateway of the installation, but not for Gateways without servers, which it refuses anyway",
}

func TestAnalysis(t *testing.T) {
	data := os.Getenv("HEDDLE_CONFORMANCE")
	if data == "" {
		t.Log("not present: HEDDLE_CONFORMANCE names no folder")
		return
	}
	dir := filepath.Join(data, "analysis")
	cases := readCases[analysisCase](t, filepath.Join(dir, "cases.jsonl"))
	agree, all, own := 0, 0, []string{}
	for _, c := range cases {
		all++
		ours, alone := answer(t, dir, c)
		missing, extra := compare(theirs(t, c), ours)
		same := len(missing)+len(extra) == 0
		_, listed := otherFindings[c.id()]
		if _, known := checksOf[c.Analyzer]; !known {
			t.Errorf("%s: say in checksOf which checks do what this analyzer does", c.id())
		}
		switch {
		case same && listed:
			t.Errorf("%s: the findings agree; take it from the list of differences", c.id())
		case !same && !listed:
			t.Errorf("%s\n\tmissing: %s\n\textra:   %s", c.id(), lines(missing), lines(extra))
		}
		if same {
			agree++
		}
		if c.Mode != "all" {
			continue
		}
		for _, code := range slices.Sorted(maps.Keys(alone)) {
			own = append(own, fmt.Sprintf("%s %s %d\n", strings.TrimPrefix(c.id(), "all "), code, alone[code]))
		}
	}
	t.Logf("%d of %d runs agree", agree, all)
	if len(otherFindings)*50 > all {
		t.Errorf("%d differences are more than 2 %% of %d runs", len(otherFindings), all)
	}
	holdOwn(t, strings.Join(own, ""))
}

// holdOwn compares what Heddle alone finds with the golden file.
func holdOwn(t *testing.T, got string) {
	t.Helper()
	file := filepath.Join("testdata", "own.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		missing, extra := compare(strings.Split(string(want), "\n"), strings.Split(got, "\n"))
		t.Errorf("what Heddle alone finds changed; look at it, and run with -update\n\tno more: %s\n\tnew:     %s", lines(missing), lines(extra))
	}
}

// answer is what Heddle says of a case: what the reference has a code for, and
// how often it names each code that the reference has not.
func answer(t *testing.T, dir string, c analysisCase) (compared []said, alone map[string]int) {
	t.Helper()
	var files []config.File
	for _, name := range c.Files {
		files = append(files, readFile(t, dir, name))
	}
	opt := validate.FileOptions{Settings: mesh.DefaultSettings()}
	if c.Mesh != "" {
		f := readFile(t, dir, c.Mesh)
		opt.Mesh = &f
	}
	if c.Networks != "" {
		f := readFile(t, dir, c.Networks)
		opt.Networks = &f
	}
	alone = map[string]int{}
	for _, f := range validate.Files(files, validate.Together, opt).Findings {
		if c.Mode == "single" && !slices.Contains(checksOf[c.Analyzer], f.Code) {
			continue
		}
		i := slices.IndexFunc(f.SameAs, func(code string) bool { return strings.HasPrefix(code, "IST") })
		if i >= 0 {
			compared = append(compared, said{f.SameAs[i], string(f.Severity), f.Object, f.DocumentLine})
			continue
		}
		alone[f.Code]++
		if f.Severity == mesh.Error && len(f.SameAs) == 0 {
			t.Errorf("%s: %s on %s (line %d) is an error that no reference knows: %s", c.id(), f.Code, f.Object, f.DocumentLine, f.Message)
		}
	}
	return compared, alone
}

// theirs is what the reference says of a case.
func theirs(t *testing.T, c analysisCase) []said {
	t.Helper()
	var out []said
	for _, m := range c.Messages {
		line := 0
		if _, text, ok := strings.Cut(m.At, ":"); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s: %s: %v", c.id(), m.At, err)
			}
			line = n
		}
		out = append(out, said{m.Code, strings.ToLower(m.Level), m.Object, line})
	}
	return out
}

// compare gives what one list has more than the other, each as often as it has
// it more.
func compare[T comparable](want, got []T) (missing, extra []T) {
	count := map[T]int{}
	for _, s := range got {
		count[s]++
	}
	for _, s := range want {
		if count[s]--; count[s] < 0 {
			missing = append(missing, s)
		}
	}
	count = map[T]int{}
	for _, s := range want {
		count[s]++
	}
	for _, s := range got {
		if count[s]--; count[s] < 0 {
			extra = append(extra, s)
		}
	}
	return missing, extra
}

func lines[T any](list []T) string {
	if len(list) == 0 {
		return "nothing"
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = "\n\t\t" + fmt.Sprint(s)
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func readFile(t *testing.T, dir, name string) config.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return config.File{Name: name, Data: data}
}

// readCases reads a file of one case a line.
func readCases[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	for line := range strings.Lines(string(data)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var c T
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	return out
}
