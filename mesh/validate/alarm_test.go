package validate

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// folder reads all manifests below a folder.
func folder(t *testing.T, dir string) []config.File {
	t.Helper()
	var out []config.File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		out = append(out, config.File{Name: path, Data: data})
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("%s: %d manifests, %v", dir, len(out), err)
	}
	return out
}

// calm fails when anything is said about files that is more than a note.
func calm(t *testing.T, files []config.File, opt Options) {
	t.Helper()
	for _, l := range Files(files, Together, FileOptions{Options: opt, Settings: mesh.DefaultSettings()}).Findings {
		if l.Severity != mesh.Info {
			t.Errorf("false alarm: %s:%d: %s %s on %s %s: %s", l.File, l.Line, l.Severity, l.Code, l.Object, l.Path, l.Message)
		}
	}
}

// TestSamplesAreCalm analyzes the samples as shipped, and with each incident.
func TestSamplesAreCalm(t *testing.T) {
	samples := folder(t, "../../deploy/samples/bookinfo")
	calm(t, samples, Options{})
	for _, incident := range folder(t, "../../deploy/samples/incidents") {
		calm(t, append(samples[:len(samples):len(samples)], incident), Options{})
	}
}

// TestGatewayExamplesAreCalm analyzes each example of the Gateway API's module.
// They are alternatives that rest on things they do not show.
func TestGatewayExamplesAreCalm(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatalf("find the module of the Gateway API: %v", err)
	}
	for _, f := range folder(t, filepath.Join(strings.TrimSpace(string(out)), "examples")) {
		calm(t, []config.File{f}, Options{Partial: true})
	}
}
