package envoy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Pinned is the release that is installed, and the one everything was tried
// with.
const Pinned = "1.40.0"

// series is the part of a version that must agree with Pinned: patch releases
// of one series do not differ in what they accept.
const series = "1.40."

// Binary is an Envoy on disk.
type Binary struct {
	Path    string // absolute
	Version string // "1.40.0"
	// Managed is true for the copy that Install put there.
	Managed bool
}

// Managed is where Install puts Envoy below a state folder.
func Managed(state string) string { return filepath.Join(state, "envoy", "envoy") }

// Find looks for Envoy: named is the user's own choice and decides alone when
// not empty; otherwise $PATH, then the managed copy under the state folder. A
// program of another version on $PATH is passed over for a managed copy that
// fits. The error says what was found where, and what to do.
func Find(ctx context.Context, named, state string) (Binary, error) {
	if named != "" {
		b, err := check(ctx, named, false)
		if err != nil {
			return Binary{}, fmt.Errorf("--envoy: %w", err)
		}
		return b, nil
	}
	var passed []string
	if path, err := exec.LookPath("envoy"); err == nil {
		b, err := check(ctx, path, false)
		if err == nil {
			return b, nil
		}
		passed = append(passed, "on $PATH: "+err.Error())
	} else {
		passed = append(passed, "none on $PATH")
	}
	path := Managed(state)
	b, err := check(ctx, path, true)
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, fs.ErrNotExist):
		passed = append(passed, "none at "+path)
	default:
		passed = append(passed, err.Error())
	}
	return Binary{}, fmt.Errorf("no Envoy %sx found (%s): run `heddle envoy install`, or name one with --envoy", series, strings.Join(passed, "; "))
}

// check runs a program and reads its version.
func check(ctx context.Context, path string, managed bool) (Binary, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Binary{}, err
	}
	if _, err := os.Stat(abs); err != nil {
		return Binary{}, err
	}
	version, err := Version(ctx, abs)
	if err != nil {
		return Binary{}, err
	}
	if !strings.HasPrefix(version, series) {
		return Binary{}, fmt.Errorf("%s is Envoy %s, but %sx is needed: run `heddle envoy install`, or name another with --envoy", abs, version, series)
	}
	return Binary{Path: abs, Version: version, Managed: managed}, nil
}

// Version asks a program which Envoy it is.
func Version(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run %s --version: %w: %s", path, err, firstLine(out))
	}
	version, ok := parseVersion(string(out))
	if !ok {
		return "", fmt.Errorf("%s --version says %q: this is no Envoy", path, firstLine(out))
	}
	return version, nil
}

// versionLine is "<path>  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL".
var versionLine = regexp.MustCompile(`version: [0-9a-f]+/(\d+\.\d+\.\d+)[^/]*/`)

func parseVersion(out string) (string, bool) {
	m := versionLine.FindStringSubmatch(out)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if len(line) > 200 {
		line = line[:200]
	}
	return line
}
