package scope

import (
	"cmp"
	"slices"
	"strings"
)

// hostIndex finds entries by host name, with wildcard hosts ("*", "*.example.com").
// Entries of one host stay in the order in which they were added.
type hostIndex[T any] struct {
	exact     map[string][]T
	wildcards []wildcard[T] // longest first
}

type wildcard[T any] struct {
	host    string // as written
	entries []T
}

func newHostIndex[T any]() *hostIndex[T] { return &hostIndex[T]{exact: map[string][]T{}} }

func (h *hostIndex[T]) add(host string, entry T) {
	if !strings.HasPrefix(host, "*") {
		h.exact[host] = append(h.exact[host], entry)
		return
	}
	order := func(w wildcard[T], host string) int {
		return cmp.Or(-cmp.Compare(len(w.host), len(host)), cmp.Compare(w.host, host))
	}
	i, found := slices.BinarySearchFunc(h.wildcards, host, order)
	if !found {
		h.wildcards = slices.Insert(h.wildcards, i, wildcard[T]{host: host})
	}
	h.wildcards[i].entries = append(h.wildcards[i].entries, entry)
}

// match yields the groups of entries that cover host, the most specific host
// first: the exact name, then ever shorter wildcards.
func (h *hostIndex[T]) match(host string) [][]T {
	var groups [][]T
	if e := h.exact[host]; len(e) > 0 {
		groups = append(groups, e)
	}
	for _, w := range h.wildcards {
		if HostCovers(w.host, host) {
			groups = append(groups, w.entries)
		}
	}
	return groups
}

// HostCovers reports whether pattern, a host name or a wildcard, covers host,
// which may be a wildcard itself.
func HostCovers(pattern, host string) bool {
	if pattern == host {
		return true
	}
	suffix, ok := strings.CutPrefix(pattern, "*")
	return ok && strings.HasSuffix(host, suffix) && len(host) > len(suffix)
}
