package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		columns int
		words   string
		want    []string
	}{
		{0, "one two three", []string{"- one two three"}},
		{9, "one two three four", []string{"- one two", "  three", "  four"}},
		{9, "one twothreefour five", []string{"- one", "  twothreefour", "  five"}},
		{80, "one  two ", []string{"- one  two"}},
		{6, "", []string{"-"}},
		{6, "→→ →→ a", []string{"- →→", "  →→ a"}},
	} {
		if diff := cmp.Diff(c.want, wrapped(c.columns, "- ", "  ", c.words)); diff != "" {
			t.Errorf("%q in %d:\n%s", c.words, c.columns, diff)
		}
	}
}

func TestNear(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(here, "a", "b.yaml"):  "a/b.yaml",
		filepath.Join(here, "..", "b.yaml"): filepath.Join(filepath.Dir(here), "b.yaml"),
		"/elsewhere/b.yaml":                 "/elsewhere/b.yaml",
		"b.yaml":                            "b.yaml",
		"":                                  "",
	} {
		if got := near(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestTablesFit(t *testing.T) {
	header := []string{"pod", "state", "address", "age"}
	rows := [][]string{{"reviews-v1-1", "Ready", "10.66.0.10", ""}, {"a", "NotReady", "", "5s"}}
	red := func(row int, header, cell string) string {
		if row == 1 && header == "state" {
			return "\x1b[31m" + cell + "\x1b[0m"
		}
		return cell
	}
	for columns, want := range map[int][]string{
		0:  {"POD           STATE     ADDRESS     AGE", "reviews-v1-1  Ready     10.66.0.10", "a             \x1b[31mNotReady\x1b[0m              5s"},
		38: {"POD           STATE     ADDRESS", "reviews-v1-1  Ready     10.66.0.10", "a             \x1b[31mNotReady\x1b[0m"},
		10: {"POD           STATE", "reviews-v1-1  Ready", "a             \x1b[31mNotReady\x1b[0m"},
	} {
		header, rows := fitted(columns, []string{"age", "none", "address"}, header, rows)
		if diff := cmp.Diff(want, layout(header, rows, red)); diff != "" {
			t.Errorf("%d columns:\n%s", columns, diff)
		}
	}
}
