package serve

import (
	"bytes"
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
	text := []byte(words)
	for _, c := range sent {
		if telling(c.name) && strike(text, c.name) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b change) int { return compareChange(a, b.name) })
	return found
}

func telling(name string) bool {
	return len(name) >= 6 && strings.ContainsFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// strike blanks each place where name stands as a whole word, and reports
// whether there is one.
func strike(words []byte, name string) bool {
	hit := false
	for at := 0; ; {
		i := bytes.Index(words[at:], []byte(name))
		if i < 0 {
			return hit
		}
		from, to := at+i, at+i+len(name)
		if (from == 0 || !partOfName(words[from-1])) && (to == len(words) || !partOfName(words[to])) {
			hit = true
			copy(words[from:], strings.Repeat(" ", len(name)))
		}
		at = to
	}
}

func partOfName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '|' || b == '/' || b == '-' || b == '_'
}
