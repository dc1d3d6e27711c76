package config

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Words with a meaning of their own in Istio's kinds; as in words.go, each
// function says what is wrong, or nothing.

const unixPrefix = "unix://"

// badUnix checks what stands behind unix://.
func badUnix(s string) string {
	switch {
	case s == "":
		return "the path of the socket is missing"
	case s[0] == '@': // the abstract namespace
		return ""
	case !path.IsAbs(s) || strings.HasSuffix(s, "/"):
		return fmt.Sprintf("%q is not the absolute path of a socket", clip(s))
	}
	return ""
}

func badGatewayOrMesh(s string) string {
	if s == "mesh" {
		return ""
	}
	return badGatewayName(s)
}

// badSubset checks the name of a subset.
func badSubset(s string) string {
	if badLabel(s) {
		return fmt.Sprintf("%q cannot be a subset name; use letters, digits and dashes, at most 63", clip(s))
	}
	return ""
}

// isInternalSNI reports the names that gateways between networks use:
// "outbound_.80_.v1_.host".
func isInternalSNI(s string) bool {
	rest, ok := strings.CutPrefix(s, "outbound_.")
	return ok && rest != "" && '0' <= rest[0] && rest[0] <= '8'
}

// badLongHost checks the host of a Gateway or a Sidecar: in full, because it may
// be of any namespace.
func badLongHost(s string) string {
	switch {
	case s == "*":
		return ""
	case s != "" && !strings.Contains(s, "."):
		return fmt.Sprintf("%q is short; write the host in full, such as %s.default.svc.cluster.local", clip(s), clip(s))
	case partialWildcard(s):
		return fmt.Sprintf("%q is not a host name: * may only stand alone or as the first part, as in *.example.com", clip(s))
	}
	return badWildcard(s)
}

// badServerHost checks "host" or "namespace/host". Gateways made from other
// APIs may stand for no namespace.
func badServerHost(s string, derived bool) string {
	host := s
	if ns, rest, ok := strings.Cut(s, "/"); ok {
		if ns != "*" && ns != "." && (ns != "~" || !derived) && badLabel(ns) {
			return fmt.Sprintf("%q: %q is not a namespace, nor one of \"*\" and \".\"", clip(s), clip(ns))
		}
		host = rest
	}
	if isIP(host) {
		return ""
	}
	return badLongHost(host)
}

// badSidecarHost checks "namespace/host"; behind ~ stands a namespace to leave
// out.
func badSidecarHost(s string) string {
	ns, host, ok := strings.Cut(s, "/")
	if !ok {
		return fmt.Sprintf("%q is not namespace/host; write \"*/%s\" for any namespace", clip(s), clip(s))
	}
	name := strings.TrimPrefix(ns, "~")
	if ns != "~" && name != "*" && name != "." && badLabel(name) {
		return fmt.Sprintf("%q: %q is not a namespace, nor one of \"*\", \".\", \"~\"", clip(s), clip(ns))
	}
	return badLongHost(host)
}

// isToken reports whether s consists of letters, digits and bytes of more.
func isToken(s, more string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// badHeader checks the name of a header as HTTP allows it.
func badHeader(s string) string {
	if s == "" {
		return "a header name is missing"
	}
	if !isToken(s, "!#$%&'*+-.^_`|~") {
		return fmt.Sprintf("%q is not a header name", clip(s))
	}
	return ""
}

// badPlainHeader checks the name of a header that is part of another word, and
// may hold only some of what HTTP allows.
func badPlainHeader(s, more string) string {
	if s == "" {
		return "a header name is missing"
	}
	if !isToken(s, more) {
		return fmt.Sprintf("%q cannot be the name of this header; use letters, digits and %s", clip(s), strings.Join(strings.Split(more, ""), " "))
	}
	return ""
}

// badHeaderToSet checks a header that a request gets: what HTTP itself needs
// cannot be set, other than the host.
func badHeaderToSet(s string) string {
	if isAuthority(s) {
		return ""
	}
	return badHeaderToChange(s)
}

// badHeaderToChange checks a header that is removed, or that a response gets.
func badHeaderToChange(s string) string {
	switch {
	case s == "":
		return "a header name is missing"
	case strings.HasPrefix(s, ":") || isAuthority(s):
		return fmt.Sprintf("%q belongs to the protocol and cannot be changed", clip(s))
	}
	return ""
}

func isAuthority(s string) bool {
	return strings.EqualFold(s, ":authority") || strings.EqualFold(s, "host")
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"}

func badMethod(s string) string {
	if !slices.Contains(methods, s) {
		return fmt.Sprintf("%q is not one of %s", clip(s), strings.Join(methods, ", "))
	}
	return ""
}

// protocol is what a port speaks.
type protocol struct{ http, tls, tcp bool }

// protocols are the words for protocols.
var protocols = []struct {
	name string
	protocol
}{
	{"HTTP", protocol{http: true}},
	{"HTTP2", protocol{http: true}},
	{"GRPC", protocol{http: true}},
	{"GRPC-WEB", protocol{http: true}},
	{"HTTP_PROXY", protocol{http: true}},
	{"HTTPS", protocol{tls: true, tcp: true}},
	{"TLS", protocol{tls: true, tcp: true}},
	{"TCP", protocol{tcp: true}},
	{"MONGO", protocol{tcp: true}},
	{"REDIS", protocol{tcp: true}},
	{"MYSQL", protocol{tcp: true}},
	{"UDP", protocol{}},
	{"HBONE", protocol{}},
}

// protocolOf reads the word for a protocol, whatever the case of its letters.
func protocolOf(s string) (protocol, bool) {
	for _, p := range protocols {
		if strings.EqualFold(s, p.name) {
			return p.protocol, true
		}
	}
	return protocol{}, false
}

// badRequiredProtocol checks the protocol of a port that must have one.
func badRequiredProtocol(s string) string {
	if s == "" {
		return "protocol is missing; every port needs one, such as HTTP"
	}
	return badProtocol(s)
}

func protocolNames() string {
	names := make([]string, len(protocols))
	for i, p := range protocols {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// badProtocol checks the protocol of a port; without one, it is found out.
func badProtocol(s string) string {
	if _, ok := protocolOf(s); s != "" && !ok {
		return fmt.Sprintf("%q is not a protocol; use one of %s", clip(s), protocolNames())
	}
	return ""
}

func badPortName(s string) string {
	switch {
	case s == "":
		return "name is missing; every port needs one"
	case badLabel(s):
		return fmt.Sprintf("%q cannot be a port name; use letters, digits and dashes", clip(s))
	}
	return ""
}

func badPortText(s string) string {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > 65535 {
		return fmt.Sprintf("%q is not a port; ports are from 1 to 65535", clip(s))
	}
	return ""
}

func badURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Sprintf("%q is not an http or https address", clip(s))
	}
	if port := u.Port(); port != "" {
		return badPortText(port)
	}
	return ""
}

// badModuleURL checks where a Wasm module is; without a scheme it is an image of
// a registry.
func badModuleURL(s string) string {
	if s == "" {
		return "url is missing; it says where the module is"
	}
	u, err := url.ParseRequestURI(s)
	if err != nil {
		if u, err = url.ParseRequestURI("http://" + s); err != nil {
			return fmt.Sprintf("%q is not an address", clip(s))
		}
	}
	switch u.Scheme {
	case "", "file", "http", "https", "oci":
		return ""
	}
	return fmt.Sprintf("the scheme %q is not supported; use file, http, https or oci", clip(u.Scheme))
}

func badSHA256(s string) string {
	if s == "" {
		return ""
	}
	hex := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }) < 0
	if len(s) != 64 || !hex {
		return "a SHA-256 digest is 64 hexadecimal digits in lower case"
	}
	return ""
}

// badAddress checks "host:port", the host being a name or an IP address.
func badAddress(s string) string {
	host, port, ok := cutPort(s)
	switch {
	case !ok:
		return fmt.Sprintf("%q is not host:port", clip(s))
	case badPortText(port) != "" || port == "0":
		return fmt.Sprintf("%q: %q is not a port; ports are from 1 to 65535", clip(s), clip(port))
	case !isIP(host) && badDomain(host) != "":
		return fmt.Sprintf("%q: %q is neither a host name nor an IP address", clip(s), clip(host))
	}
	return ""
}

// cutPort splits "host:port" and "[host]:port".
func cutPort(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	host, port = s[:i], s[i+1:]
	if inner, bracket := strings.CutPrefix(host, "["); bracket {
		host, bracket = strings.CutSuffix(inner, "]")
		return host, port, bracket
	}
	return host, port, !strings.Contains(host, ":")
}
