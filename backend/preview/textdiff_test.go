package preview

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUnified(t *testing.T) {
	before := "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\n"
	after := strings.Replace(strings.Replace(before, "b\n", "B\n", 1), "n\n", "n\nN\n", 1)
	want := "@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n@@ -12,5 +12,6 @@\n l\n m\n n\n+N\n o\n p\n"
	want = strings.Replace(want, "@@ -12,5 +12,6 @@", "@@ -12,5 +12,6 @@", 1)
	if got := unified(before, after); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := unified("", "x\n"); got != "@@ -1,0 +1,1 @@\n+x\n" {
		t.Errorf("new text: %q", got)
	}
}

// The lines that are kept and added make the new text; those kept and removed
// the old one.
func TestComparisonHoldsBothTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 12)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		var x, y []string
		for _, l := range compareLines(a, b) {
			if l.op != '+' {
				x = append(x, l.text)
			}
			if l.op != '-' {
				y = append(y, l.text)
			}
		}
		if strings.Join(x, "\n") != strings.Join(a, "\n") || strings.Join(y, "\n") != strings.Join(b, "\n") {
			t.Errorf("%v -> %v gave %v and %v", a, b, x, y)
		}
	})
}
