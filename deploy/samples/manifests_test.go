package main

import (
	"bytes"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/heddle-mesh/heddle/mesh/config"
)

// TestManifests reads every manifest of the samples: none has a problem, not
// even a warning, and every command line is one that the program understands.
func TestManifests(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		seen++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		result := config.Decode(path, data)
		for _, p := range result.Problems {
			t.Errorf("%s:%d: %s", p.File, p.Line, p.Message)
		}
		for _, o := range result.Objects {
			if d, ok := o.Spec.(*appsv1.Deployment); ok {
				commandLines(t, path, d)
			}
		}
		return nil
	})
	if err != nil || seen < 4 {
		t.Fatalf("%d manifests, %v", seen, err)
	}
}

func commandLines(t *testing.T, path string, d *appsv1.Deployment) {
	t.Helper()
	for _, c := range d.Spec.Template.Spec.Containers {
		if c.Name == "istio-proxy" {
			continue
		}
		if !slices.Equal(c.Command, []string{"heddle-samples"}) || len(c.Args) == 0 {
			t.Errorf("%s: %s: command %q %q", path, d.Name, c.Command, c.Args)
			continue
		}
		if !slices.ContainsFunc(apps, func(a app) bool { return a.name == c.Args[0] }) {
			t.Errorf("%s: %s: no application %q", path, d.Name, c.Args[0])
			continue
		}
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		version := flags.String("version", "", "")
		if err := flags.Parse(c.Args[1:]); err != nil {
			t.Errorf("%s: %s: %v", path, d.Name, err)
		}
		if want := d.Spec.Template.Labels["version"]; *version != want {
			t.Errorf("%s: %s says version %q and is labelled %q", path, d.Name, *version, want)
		}
	}
}

// TestHelpNamesEveryFlag keeps the applications' own help alive.
func TestHelpNamesEveryFlag(t *testing.T) {
	for _, a := range apps {
		var out bytes.Buffer
		if err := run(t.Context(), []string{a.name, "-help"}, environment{}, &out); err == nil || !bytes.Contains(out.Bytes(), []byte("heddle-samples "+a.name)) {
			t.Errorf("%s: %v, %s", a.name, err, out.Bytes())
		}
	}
}
