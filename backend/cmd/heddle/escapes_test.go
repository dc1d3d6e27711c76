package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh/plain"
)

// evil is what a pod, or anybody who sends spans, may have put into a name: it
// changes the clipboard, clears the screen, turns the direction of writing, and
// begins a line of its own.
const evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u009b2J\u202e\nINJECTED\t\U000e0041"

// TestNothingSteersTheTerminal runs all commands that have golden files against a
// mesh in which every text is evil.
func TestNothingSteersTheTerminal(t *testing.T) {
	t.Setenv("HEDDLE_STATE", "state")
	t.Setenv("NO_COLOR", "1")
	for name, more := range map[string]string{
		"observe": `-- answer GET /api/v1/traces --
200
[{"id": "a", "services": ["reviews"], "spans": [{"service": "reviews", "operation": "get"}]}]
-- answer GET /api/v1/traces/abc --
200
{"id": "a", "services": ["reviews"], "spans": [{"service": "reviews", "operation": "get"}]}
-- $ traces --
-- $ traces -o json --
-- $ traces abc --
-- $ graph -o table --
-- $ graph -o dot --
-- $ proxy-status x --
-- answer GET /api/v1/proxies/x/config/clusters --
422
{"title": "no", "detail": "bad", "errors": [{"message": "bad", "location": "query.x"}], "findings": [{"message": "bad"}]}
-- $ proxy-config clusters x --
`,
		"status": "", "status-down": "", "objects": "", "manifests": "", "delete": "", "pods": "", "analyze-live": "-- $ analyze -o json --\n-- $ analyze -o sarif --\n-- $ analyze -o github --\n",
	} {
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(shortDir(t))
			fake := &fakeMesh{answers: map[string]string{}}
			files := append(archive.Files, txtar.Parse([]byte(more)).Files...)
			stdin := ""
			for _, f := range files {
				switch verb, rest, _ := strings.Cut(f.Name, " "); verb {
				case "answer":
					fake.answers[rest] = poisoned(t, f.Data)
				case "file":
					put(t, rest, f.Data)
				case "stdin":
					stdin = string(f.Data)
				}
			}
			fake.serve(t, "state")
			shown := 0
			for _, f := range files {
				verb, rest, _ := strings.Cut(f.Name, " ")
				if verb != "$" || strings.Contains(rest, "yaml") && strings.HasPrefix(rest, "get ") || strings.HasPrefix(rest, "logs ") {
					continue // what is written into files stays as it is
				}
				got := command(t, strings.Fields(rest), stdin)
				shown += strings.Count(got, "INJECTED")
				if plain.Lines(got) != got || regexp.MustCompile(`(?m)^(2> )?INJECTED`).MatchString(got) || strings.Contains(got, "read the answer to") {
					t.Errorf("heddle %s: %q", rest, got)
				}
			}
			if shown == 0 {
				t.Error("no command showed any of the words")
			}
		})
	}
}

// poisoned makes all texts of an answer evil but those that programs read:
// figures, times, and words of which there are few.
func poisoned(t *testing.T, answer []byte) string {
	t.Helper()
	status, text, _ := strings.Cut(string(answer), "\n")
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return status + "\n" + text
	}
	data, err := json.Marshal(poison(v))
	if err != nil {
		t.Fatal(err)
	}
	return status + "\n" + string(data)
}

func poison(v any) any {
	switch x := v.(type) {
	case string:
		if x != "" && x[0] >= '0' && x[0] <= '9' {
			return x
		}
		return x + evil
	case []any:
		for i := range x {
			x[i] = poison(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = poison(x[k])
		}
	}
	return v
}

// TestEscapedJSON shows that JSON means the same with what it escapes.
func TestEscapedJSON(t *testing.T) {
	var b bytes.Buffer
	if err := printJSON(&b, map[string]string{evil: evil}); err != nil {
		t.Fatal(err)
	}
	if plain.Lines(b.String()) != b.String() {
		t.Errorf("it can be obeyed: %q", b.String())
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back[evil] != evil {
		t.Errorf("%v, %q", err, back)
	}
}

func TestNamesAreCleanWhenTheyArePainted(t *testing.T) {
	lines := layout([]string{"pod"}, [][]string{{"a\x1b[2Jb"}, {"c"}}, func(row int, header, cell string) string {
		if row == 0 && header == "pod" {
			return "\x1b[31m" + cell + "\x1b[0m"
		}
		return cell
	})
	if want := "POD|\x1b[31ma\\x1b[2Jb\x1b[0m|c"; strings.Join(lines, "|") != want {
		t.Errorf("%q, want %q", lines, want)
	}
}
