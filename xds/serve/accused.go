package serve

import (
	"cmp"
	"slices"
	"strings"
)

// accused finds the resources of a rejected response that the proxy's words
// name. Names that could stand in any sentence ("9080") accuse nobody.
func accused(changes []change, words string) []change {
	sent := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.c == nil })
	if len(sent) <= 1 {
		return sent
	}
	// The longest first: a name may be part of another one.
	slices.SortStableFunc(sent, func(a, b change) int { return cmp.Compare(len(b.name), len(a.name)) })
	var found []change
	for _, c := range sent {
		if !telling(c.name) {
			continue
		}
		rest, hit := strike(words, c.name)
		if hit {
			found = append(found, c)
			words = rest
		}
	}
	slices.SortFunc(found, func(a, b change) int { return compareChange(a, b.name) })
	return found
}

func telling(name string) bool {
	return len(name) >= 6 && strings.ContainsFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// strike blanks each place where name stands as a whole word.
func strike(words, name string) (string, bool) {
	hit := false
	for at := 0; ; {
		i := strings.Index(words[at:], name)
		if i < 0 {
			return words, hit
		}
		from, to := at+i, at+i+len(name)
		if (from == 0 || !partOfName(words[from-1])) && (to == len(words) || !partOfName(words[to])) {
			hit = true
			words = words[:from] + strings.Repeat(" ", len(name)) + words[to:]
		}
		at = to
	}
}

func partOfName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '|' || b == '/' || b == '-' || b == '_'
}
