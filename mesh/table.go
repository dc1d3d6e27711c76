package mesh

import (
	"cmp"
	"iter"
	"slices"
)

// Table is a read-only map that iterates in the order of its keys. The zero
// Table is empty and ready to use.
type Table[K any, V any] struct {
	keys []K
	vals []V
	cmp  func(a, b K) int
}

// NewTable sorts pairs into a Table. Of two entries with one key the later
// one in pairs wins.
func NewTable[K any, V any](compare func(a, b K) int, pairs iter.Seq2[K, V]) Table[K, V] {
	type entry struct {
		key K
		val V
	}
	var entries []entry
	for k, v := range pairs {
		entries = append(entries, entry{k, v})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return compare(a.key, b.key) })
	t := Table[K, V]{cmp: compare}
	for _, e := range entries {
		if n := len(t.keys); n > 0 && compare(t.keys[n-1], e.key) == 0 {
			t.vals[n-1] = e.val
			continue
		}
		t.keys = append(t.keys, e.key)
		t.vals = append(t.vals, e.val)
	}
	return t
}

// Len is the number of entries.
func (t Table[K, V]) Len() int { return len(t.keys) }

// Get finds the value of a key.
func (t Table[K, V]) Get(key K) (V, bool) {
	if t.cmp != nil {
		if i, ok := slices.BinarySearchFunc(t.keys, key, t.cmp); ok {
			return t.vals[i], true
		}
	}
	var zero V
	return zero, false
}

// All iterates in the order of the keys.
func (t Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i, k := range t.keys {
			if !yield(k, t.vals[i]) {
				return
			}
		}
	}
}

// Values iterates over the values in the order of their keys.
func (t Table[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range t.vals {
			if !yield(v) {
				return
			}
		}
	}
}

// SameAs reports whether both are the very same table, shared between two
// snapshots. It is cheap, and false for equal copies.
func (t Table[K, V]) SameAs(o Table[K, V]) bool {
	return len(t.keys) == len(o.keys) && (len(t.keys) == 0 || &t.keys[0] == &o.keys[0])
}

// ByValue is the comparison of plain ordered keys.
func ByValue[K cmp.Ordered](a, b K) int { return cmp.Compare(a, b) }
