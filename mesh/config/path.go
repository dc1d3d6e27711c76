package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Step is one step into a document: into a mapping by Key, or into a list by
// Index when List is true.
type Step struct {
	Key   string
	Index int
	List  bool
}

// Path leads to a value inside a document.
type Path []Step

// Key is the path one mapping key further down.
func (p Path) Key(key string) Path { return append(p[:len(p):len(p)], Step{Key: key}) }

// Item is the path one list item further down.
func (p Path) Item(i int) Path { return append(p[:len(p):len(p)], Step{Index: i, List: true}) }

// String writes a path as findings show it: `spec.http[0].match[1].headers["x.y"]`.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.List:
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.Index))
			b.WriteByte(']')
		case plainKey(s.Key):
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		default:
			b.WriteByte('[')
			b.WriteString(strconv.Quote(s.Key))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// plainKey reports whether a key can stand in a path without quotes.
func plainKey(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-', '0' <= c && c <= '9':
		default:
			return false
		}
	}
	return true
}

// maxPath is the longest text of a path that is read: no field that there is needs
// as much, and what is said of a path repeats it.
const maxPath = 4 << 10

// ParsePath reads what Path.String writes. Paths that lead deeper than values may
// be nested are refused: a step costs the sender two bytes, and whoever follows it
// a line that is indented by all the steps before.
func ParsePath(s string) (Path, error) {
	if len(s) > maxPath {
		return nil, fmt.Errorf("the field path %q is longer than %d bytes", clip(s), maxPath)
	}
	var p Path
	rest := s
	for rest != "" {
		if len(p) == maxDepth {
			return nil, fmt.Errorf("the field path %q has more than %d steps", clip(s), maxDepth)
		}
		switch {
		case strings.HasPrefix(rest, `["`):
			quoted, err := strconv.QuotedPrefix(rest[1:])
			if err != nil || !strings.HasPrefix(rest[1+len(quoted):], "]") {
				return nil, fmt.Errorf("field path %q: %q does not end", s, rest)
			}
			key, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("field path %q: %w", s, err)
			}
			p = p.Key(key)
			rest = rest[len(quoted)+2:]
		case rest[0] == '[':
			number, after, ok := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(number)
			if !ok || err != nil || i < 0 {
				return nil, fmt.Errorf("field path %q: %q is not a list index", s, rest)
			}
			p = p.Item(i)
			rest = after
		default:
			if len(p) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("field path %q: expected a dot before %q", s, rest)
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if !plainKey(rest[:end]) {
				return nil, fmt.Errorf("field path %q: %q is not a field name", s, rest[:end])
			}
			p = p.Key(rest[:end])
			rest = rest[end:]
		}
	}
	return p, nil
}

// trail is a path under construction, from the value upwards. It costs nothing
// as long as nobody asks for its text.
type trail struct {
	up   *trail
	step Step
}

func (t *trail) key(k string) *trail { return &trail{up: t, step: Step{Key: k}} }
func (t *trail) item(i int) *trail   { return &trail{up: t, step: Step{Index: i, List: true}} }

func (t *trail) path() Path {
	if t == nil {
		return nil
	}
	return append(t.up.path(), t.step)
}

// name is the last field of a trail, as a message names it.
func (t *trail) name() string {
	for ; t != nil; t = t.up {
		if !t.step.List {
			return t.step.Key
		}
	}
	return "the document"
}
