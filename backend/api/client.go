package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/local/names"
)

// Proxies are the addresses of proxies that people come through. What others say
// of a client in headers is not believed.
type Proxies struct{ trusted []netip.Prefix }

// ParseProxies reads addresses and ranges of them, with commas between.
func ParseProxies(list string) (Proxies, error) {
	var p Proxies
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			ip, err := netip.ParseAddr(word)
			if err != nil {
				return Proxies{}, fmt.Errorf("%q is no address and no range of them, such as 10.0.0.7 or 10.0.0.0/8", word)
			}
			prefix = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
		}
		p.trusted = append(p.trusted, prefix)
	}
	return p, nil
}

func (p Proxies) trust(ip netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// peer is where a request comes from, and how the person's browser asked for it.
type peer struct {
	auth.Client
	origin string // what the browser calls this server: scheme, host and port
	secure bool   // the browser speaks TLS
	// pod says that a program of the mesh asks. Browsers send their cookies to every
	// port of a host, so programs that answer there get to see the session's.
	pod bool
}

type peerKey struct{}

func peerOf(ctx context.Context) peer {
	p, _ := ctx.Value(peerKey{}).(peer)
	return p
}

// peer tells where a request comes from. Each trusted proxy has added the address
// that it was asked from at the end of X-Forwarded-For, so that the last one
// that is not of a proxy is the client's.
func (p Proxies) peer(r *http.Request) peer {
	out := peer{secure: r.TLS != nil}
	host := r.Host
	direct, err := netip.ParseAddrPort(r.RemoteAddr)
	ip := direct.Addr().Unmap()
	switch {
	case err != nil:
		out.Address = r.RemoteAddr
	case p.trust(ip):
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && p.trust(ip); i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			ip = hop.Unmap()
		}
		out.Address = ip.String()
		// The nearest proxy speaks last.
		if proto := lastWord(r.Header.Values("X-Forwarded-Proto")); proto != "" {
			out.secure = strings.EqualFold(proto, "https")
		}
		if forwarded := lastWord(r.Header.Values("X-Forwarded-Host")); forwarded != "" {
			host = forwarded
		}
	case ip == names.PodsAddress:
		out.Address, out.pod = ip.String(), true
	default:
		out.Address = ip.String()
		// A proxy on this machine that nobody declared speaks for others.
		out.Local = ip.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == "" && r.Header.Get("Via") == ""
	}
	out.origin = originOf(out.secure, host)
	return out
}

func lastWord(values []string) string {
	if len(values) == 0 {
		return ""
	}
	words := strings.Split(values[len(values)-1], ",")
	return strings.TrimSpace(words[len(words)-1])
}

// originOf is what a browser calls a server, as it stands in Origin.
func originOf(secure bool, host string) string {
	scheme, port := "http", "80"
	if secure {
		scheme, port = "https", "443"
	}
	host = strings.ToLower(host)
	if name, p, err := net.SplitHostPort(host); err == nil && p == port {
		if host = name; strings.Contains(name, ":") {
			host = "[" + name + "]"
		}
	}
	return scheme + "://" + host
}
