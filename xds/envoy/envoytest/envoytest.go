// Package envoytest gives tests the Envoy that they run against.
package envoytest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/heddle-mesh/heddle/xds/envoy"
)

// Path is the Envoy program: the one that HEDDLE_ENVOY names, one on $PATH, or
// the managed copy in the default state folder of the repository, which is
// installed there when it is missing.
func Path(t testing.TB) string {
	t.Helper()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(root, ".heddle")
	b, err := envoy.Find(t.Context(), os.Getenv("HEDDLE_ENVOY"), state)
	if err == nil {
		return b.Path
	}
	if os.Getenv("HEDDLE_ENVOY") != "" {
		t.Fatal(err)
	}
	if b, err = envoy.Install(context.WithoutCancel(t.Context()), state, t.Output()); err != nil {
		t.Fatal(err)
	}
	return b.Path
}

// repository is the folder of go.mod above the test.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the test's folder")
		}
		dir = up
	}
}
