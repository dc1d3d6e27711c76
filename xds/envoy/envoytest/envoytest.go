// Package envoytest gives tests the Envoy that they run against.
package envoytest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/heddle-mesh/heddle/xds/envoy"
)

// Path is the Envoy program, as Find gives it.
func Path(t testing.TB) string {
	t.Helper()
	path, err := Find(context.WithoutCancel(t.Context()), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Find finds the Envoy program: the one that HEDDLE_ENVOY names, one on $PATH,
// or the managed copy in the default state folder of the repository, which is
// installed there when it is missing. It tells log what it downloads.
func Find(ctx context.Context, log io.Writer) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	state := filepath.Join(root, ".heddle")
	b, err := envoy.Find(ctx, os.Getenv("HEDDLE_ENVOY"), state)
	if err != nil && os.Getenv("HEDDLE_ENVOY") == "" {
		b, err = envoy.Install(ctx, state, log)
	}
	if err != nil {
		return "", err
	}
	return b.Path, nil
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
