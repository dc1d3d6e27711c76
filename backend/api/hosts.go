package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Hosts say under which names the public port may be asked for. A web page of
// others can give this machine's address to a name of its own, and would then be
// allowed to read what is answered under that name: so only names that nobody
// else gives count.
type Hosts struct {
	bind  string
	names []string
	more  func(host string) bool
}

// NewHosts are the hosts of a port that listens on address: that address,
// loopback, whatever address a request came to, and names, without ports. What
// else there is, certificates say, is for more to tell; nil is nothing.
func NewHosts(address string, names []string, more func(host string) bool) Hosts {
	h := Hosts{more: more}
	if host, _, err := net.SplitHostPort(address); err == nil {
		h.bind = canonicalHost(host)
	}
	for _, name := range names {
		if name = canonicalHost(name); name != "" {
			h.names = append(h.names, name)
		}
	}
	return h
}

// allow reports whether a request names this server.
func (h Hosts) allow(r *http.Request) bool {
	host := canonicalHost(r.Host)
	if host == "" {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip = ip.Unmap(); ip.IsLoopback() {
			return true
		}
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.AddrPort().Addr().Unmap() == ip {
			return true
		}
	}
	return host == "localhost" || host == h.bind || slices.Contains(h.names, host) || h.more != nil && h.more(host)
}

// canonicalHost is a host as it is compared: without port, brackets and the
// final dot, in small letters.
func canonicalHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
