package schema

import (
	"maps"
	"slices"
	"strconv"
	"sync"
)

// Bounds of what one place of a schema remembers.
const (
	maxRemembered = 1024 // values
	maxKey        = 192  // bytes of one value
)

// memory holds values that the rules of one place accepted: meshes use the same
// few time-outs, ports and labels again and again, and a rule costs microseconds
// each time. Large values are not remembered.
type memory struct {
	mu sync.RWMutex
	in map[string]struct{}
}

func (m *memory) has(key []byte) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.in[string(key)]
	return ok
}

func (m *memory) add(key []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.in == nil {
		m.in = map[string]struct{}{}
	}
	if len(m.in) < maxRemembered {
		m.in[string(key)] = struct{}{}
	}
}

// appendKey writes a value so that equal values, and no others, give equal
// bytes. Of an object only some fields count, if uses names them. ok is false
// when the value is too large.
func appendKey(key []byte, v any, uses []string) (out []byte, ok bool) {
	ok = true
	switch v := v.(type) {
	case nil:
		key = append(key, 'n')
	case bool:
		key = strconv.AppendBool(key, v)
	case int64:
		key = strconv.AppendInt(append(key, 'i'), v, 10)
	case float64:
		key = strconv.AppendFloat(append(key, 'f'), v, 'g', -1, 64)
	case string:
		key = appendText(key, v)
	case []any:
		key = append(key, '[')
		for i := 0; ok && i < len(v); i++ {
			key, ok = appendKey(key, v[i], nil)
		}
		key = append(key, ']')
	case map[string]any:
		if len(v) > maxKey/4 {
			return key, false
		}
		names := uses
		if names == nil {
			names = slices.Sorted(maps.Keys(v))
		}
		key = append(key, '{')
		for _, name := range names {
			if x, has := v[name]; ok && has {
				key, ok = appendKey(appendText(key, name), x, nil)
			}
		}
		key = append(key, '}')
	default:
		return key, false
	}
	return key, ok && len(key) <= maxKey
}

// appendText writes text behind its length, so that no text can look like two.
func appendText(key []byte, s string) []byte {
	key = append(strconv.AppendInt(append(key, 's'), int64(len(s)), 10), ':')
	return append(key, s[:min(len(s), maxKey+1)]...)
}
