package plain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh/plain"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"reviews.default v2":         "reviews.default v2",
		`C:\n "x" ← 服务 é ⚠ \ufffd`:   `C:\n "x" ← 服务 é ⚠ \ufffd`,
		"\ufffd":                     "\ufffd",
		"a\x1b]0;owned\x07b":         `a\x1b]0;owned\x07b`,
		"\x1b]52;c;ZXZpbA==\x1b\\":   `\x1b]52;c;ZXZpbA==\x1b\`,
		"a\nb\tc\r\x00\x7f":          `a\nb\tc\r\x00\x7f`,
		"\u009b2J\u0085":             `\x9b2J\x85`,
		"\x9b2J\xe2\x80":             `\x9b2J\xe2\x80`,
		"safe\u202egnp.exe":          `safe\u{202e}gnp.exe`,
		"a\u200bb\ufeff\u2066\u00ad": `a\u{200b}b\u{feff}\u{2066}\xad`,
		"\u2028\u2029\u061c\u3164":   `\u{2028}\u{2029}\u{61c}\u{3164}`,
		"\U000e0041":                 `\u{e0041}`,
	} {
		got := plain.Text(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if again := plain.Text(got); again != got {
			t.Errorf("%q: once more it is %q", in, again)
		}
	}
	if got := plain.Lines("one\n\ttwo\r\n\x1b[2J"); got != "one\n\ttwo\\r\n\\x1b[2J" {
		t.Errorf("lines: %q", got)
	}
}

// TestLog writes each text in pieces of every size: where they are cut makes no
// difference.
func TestLog(t *testing.T) {
	for in, want := range map[string]string{
		"one\r\ntwo\tthree\n":                    "one\ntwo\tthree\n",
		"\x1b[31mred\x1b[0m\x1b[38;5;1m!":        "\x1b[31mred\x1b[0m\x1b[38;5;1m!\x1b[0m",
		"\x1b[m":                                 "\x1b[m\x1b[0m",
		"\x1b]0;owned\x07\x1b[2J\x1bc":           `\x1b]0;owned\x07\x1b[2J\x1bc`,
		"10 %\r20 %\r":                           `10 %\r20 %\r`,
		"服务 \u009b2J\u202e \x9b":                 `服务 \x9b2J\u{202e} \x9b`,
		"cut \x1b[31":                            `cut \x1b[31`,
		"cut \xe6\x9c":                           `cut \xe6\x9c`,
		"\x1b[" + strings.Repeat("1;", 50) + "m": `\x1b[` + strings.Repeat("1;", 50) + "m",
	} {
		for size := 1; size <= len(in); size++ {
			var b strings.Builder
			l := plain.NewLog(&b)
			for part := range slices.Chunk([]byte(in), size) {
				if n, err := l.Write(part); n != len(part) || err != nil {
					t.Fatalf("%q: %d, %v", part, n, err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != want {
				t.Errorf("%q by %d: %q, want %q", in, size, b.String(), want)
			}
		}
	}
}

func FuzzLog(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m\r\n\x1b]0;x\x07\xe6\x9c"), 3)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		var b strings.Builder
		l := plain.NewLog(&b)
		for part := range slices.Chunk(data, max(size, 1)) {
			if _, err := l.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(b.String(), "\x1b") {
			if code, _, ok := strings.Cut(part, "m"); i > 0 && (!ok || strings.Trim(code, "[0123456789;:") != "") {
				t.Errorf("%q has an escape that is no colour", b.String())
			}
			if plain.Lines(part) != part {
				t.Errorf("%q has what is no text", b.String())
			}
		}
	})
}
