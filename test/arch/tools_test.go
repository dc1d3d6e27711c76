package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingToolsAreOneClearLine runs the check of `make` with other tools in
// the way.
func TestMissingToolsAreOneClearLine(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		tools map[string]string // what each prints, or "" where it fails
		need  string
		want  []string // in the one line; none: all is well
	}{
		{"good Go", map[string]string{"go": "go1.99.1"}, "go", nil},
		{"old Go", map[string]string{"go": "go1.21.3"}, "go", []string{"Go 1.21.3 is too old", "https://go.dev/dl/"}},
		{"no Go", nil, "go", []string{"Go is missing", "https://go.dev/dl/"}},
		{"good Node", map[string]string{"node": "v20.19.0"}, "node", nil},
		{"newer Node", map[string]string{"node": "v100.0.0"}, "node", nil},
		{"old Node", map[string]string{"node": "v20.9.0"}, "node", []string{"Node.js 20.9.0 is too old", "20.19.0"}},
		{"no Node", nil, "node", []string{"Node.js is missing", "nodejs.org"}},
		{"good Python", map[string]string{"python3": "3.11.2"}, "python", nil},
		{"old Python", map[string]string{"python3": "3.6.9"}, "python", []string{"too old", "3.9"}},
		{"no pip", map[string]string{"python3": "-c 3.11.2"}, "python", []string{"pip is missing", "python3-pip"}},
		{"no Python", nil, "python", []string{"Python 3 is missing"}},
		{"good compiler", map[string]string{"gcc": "gcc 12"}, "cc", nil},
		{"no compiler", nil, "cc", []string{"C compiler is missing", "gcc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bin := t.TempDir()
			for _, tool := range []string{"dirname", "sed", "sort", "head"} {
				path, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
					t.Fatal(err)
				}
			}
			for tool, says := range tt.tools {
				script := "#!" + bash + "\necho '" + says + "'\n"
				if only, said, found := strings.Cut(says, " 3."); found && only == "-c" { // fails when asked otherwise
					script = "#!" + bash + "\n[ \"$1\" = -c ] && echo '3." + said + "'\n"
				}
				if says == "" {
					script = "#!" + bash + "\nexit 1\n"
				}
				if err := os.WriteFile(filepath.Join(bin, tool), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			need := exec.CommandContext(t.Context(), bash, "../../.ci/need", tt.need)
			need.Env = []string{"PATH=" + bin}
			out, err := need.CombinedOutput()
			if (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("%v: %s", err, out)
			}
			if lines := strings.Count(string(out), "\n"); len(tt.want) > 0 && lines != 1 {
				t.Errorf("%d lines: %s", lines, out)
			}
			for _, s := range tt.want {
				if !strings.Contains(string(out), s) {
					t.Errorf("no %q in %s", s, out)
				}
			}
		})
	}
}
