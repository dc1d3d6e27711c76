package config

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b       string
		most, want int
	}{
		{"", "", 0, 0},
		{"", "ab", 2, 2},
		{"ab", "", 1, 2},
		{"reviews", "reviws", 2, 1},
		{"reviews", "reviewer", 2, 2},
		{"reviews", "ratings", 2, 3},
		{"kitten", "sitting", 9, 3},
		{strings.Repeat("a", 64), strings.Repeat("a", 63) + "b", 1, 1},
		{strings.Repeat("a", 65), strings.Repeat("a", 65), 2, 3}, // too long
	} {
		if got := Distance(c.a, c.b, c.most); got != c.want {
			t.Errorf("%q, %q, at most %d: %d, want %d", c.a, c.b, c.most, got, c.want)
		}
	}
}

// However much may differ, the answer is what counting everything comes to.
func TestDistanceBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, random.IntN(9))
		for i := range b {
			b[i] = 'a' + byte(random.IntN(3))
		}
		return string(b)
	}
	for range 10_000 {
		a, b := word(), word()
		whole := everyDistance(a, b)
		for most := range 10 {
			if got, want := Distance(a, b, most), min(whole, most+1); got != want {
				t.Fatalf("%q, %q, at most %d: %d, want %d", a, b, most, got, want)
			}
		}
	}
}

// everyDistance follows the definition.
func everyDistance(a, b string) int {
	if a == "" || b == "" {
		return max(len(a), len(b))
	}
	if a[0] == b[0] {
		return everyDistance(a[1:], b[1:])
	}
	return 1 + min(everyDistance(a[1:], b), everyDistance(a, b[1:]), everyDistance(a[1:], b[1:]))
}
