package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

// The folder of a pod's sockets is what the local cluster says; anything else
// is an annotation that somebody wrote.
func TestOnlyTheClustersFoldersAreDialed(t *testing.T) {
	state := t.TempDir()
	link := filepath.Join(t.TempDir(), "state")
	if err := os.MkdirAll(filepath.Join(state, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(state, link); err != nil {
		t.Fatal(err)
	}
	pods := podFolders(filepath.Join(link, "run", "cluster.sock"))
	if want := filepath.Join(state, "run", "pods"); pods != want {
		t.Fatalf("folder of pods %s, want %s", pods, want)
	}
	telemetry := &telemetry{pods: pods}
	for dir, want := range map[string]bool{
		filepath.Join(pods, "0123abcd"): true,
		"":                              false,
		"0123abcd":                      false,
		"/home/mallory":                 false,
		pods:                            false,
		pods + "/a/b":                   false,
		pods + "/..":                    false,
		pods + "/../pods/..":            false,
	} {
		w := &mesh.Workload{}
		w.Annotations = map[string]string{mesh.AnnotationPodFolder: dir}
		if got := telemetry.agent(w) != nil; got != want {
			t.Errorf("folder %q is dialed: %v, want %v", dir, got, want)
		}
	}
}
