package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Words with a meaning of their own in Istio's kinds; as in words.go, each
// function says what is wrong, or nothing.

func badEmpty(s string) string {
	if s == "" {
		return "an empty text matches nothing; remove it"
	}
	return ""
}

func badGatewayOrMesh(s string) string {
	if s == "mesh" {
		return ""
	}
	return badGatewayName(s)
}

func badDomainOrIP(s string) string {
	if isIP(s) {
		return ""
	}
	return badDomain(s)
}

func badWildcardOrIP(s string) string {
	if isIP(s) {
		return ""
	}
	return badWildcard(s)
}

// badDestination: a wildcard is a host too, where a ServiceEntry defines it.
func badDestination(s string) string {
	if s == "*" {
		return "* is not a destination; name a host"
	}
	return badWildcardOrIP(s)
}

func badSubset(s string) string {
	if s != "" && badLabel(s) {
		return fmt.Sprintf("%q cannot be a subset name; use letters, digits and dashes, at most 63", clip(s))
	}
	return ""
}

// badSNI: names that gateways between networks use look like
// "outbound_.80_.v1_.host".
func badSNI(s string) string {
	if isIP(s) || isInternalSNI(s) {
		return ""
	}
	return badWildcard(s)
}

func isInternalSNI(s string) bool { return strings.HasPrefix(s, "outbound_.") }

func badServerHost(s string) string {
	host := s
	if ns, rest, ok := strings.Cut(s, "/"); ok {
		if ns != "*" && ns != "." && badLabel(ns) {
			return fmt.Sprintf("%q: %q is not a namespace", clip(s), clip(ns))
		}
		host = rest
	}
	if isIP(host) || isInternalSNI(host) {
		return ""
	}
	return badWildcard(host)
}

func badSidecarHost(s string) string {
	ns, host, ok := strings.Cut(s, "/")
	if !ok {
		return fmt.Sprintf("%q is not namespace/host; write \"*/%s\" for any namespace", clip(s), clip(s))
	}
	if ns != "*" && ns != "." && ns != "~" && badLabel(ns) {
		return fmt.Sprintf("%q: %q is not a namespace, nor one of \"*\", \".\", \"~\"", clip(s), clip(ns))
	}
	return badWildcard(host)
}

func badEntryHost(s string) string {
	if s == "*" {
		return "a service cannot have the host *; name the hosts"
	}
	if isIP(s) {
		return ""
	}
	return badWildcard(s)
}

func badAuthority(s string) string {
	if strings.ContainsAny(s, " \t\r\n") {
		return fmt.Sprintf("%q is not an authority", clip(s))
	}
	return ""
}

// badHeaderToSet: headers that HTTP itself needs cannot be taken away or set.
func badHeaderToSet(s string) string {
	if strings.HasPrefix(s, ":") {
		if strings.EqualFold(s, ":authority") {
			return ""
		}
		return fmt.Sprintf("%q belongs to the protocol and cannot be changed", clip(s))
	}
	return badHeader(s)
}

func badTokenHeader(s string) string {
	ok := strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
	if !ok {
		return fmt.Sprintf("%q is not a header name", clip(s))
	}
	return ""
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"}

func badMethod(s string) string {
	if !slices.Contains(methods, s) {
		return fmt.Sprintf("%q is not one of %s", clip(s), strings.Join(methods, ", "))
	}
	return ""
}

var portProtocols = []string{
	"HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS", "UDP", "REDIS", "MYSQL", "HTTP_PROXY", "HBONE",
}

func badProtocol(s string) string {
	if s != "" && !slices.Contains(portProtocols, strings.ToUpper(s)) {
		return fmt.Sprintf("%q is not a protocol; use one of %s", clip(s), strings.Join(portProtocols, ", "))
	}
	return ""
}

func badPortName(s string) string {
	if s != "" && badLabel(s) {
		return fmt.Sprintf("%q cannot be a port name; use letters, digits and dashes", clip(s))
	}
	return ""
}

func badPortText(s string) string {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return fmt.Sprintf("%q is not a port", clip(s))
	}
	return badPort(uint32(n))
}

func badURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Sprintf("%q is not an http or https address", clip(s))
	}
	return ""
}

func badModuleURL(s string) string {
	u, err := url.Parse(s)
	if err == nil && u.Scheme == "" {
		u, err = url.Parse("oci://" + s)
	}
	if err != nil {
		return fmt.Sprintf("%q is not an address", clip(s))
	}
	if !slices.Contains([]string{"file", "http", "https", "oci"}, u.Scheme) {
		return fmt.Sprintf("the scheme %q is not supported; use file, http, https or oci", u.Scheme)
	}
	return ""
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

// conditionKeys are the attributes that an authorization rule may ask for; one
// with a bracket takes a name between brackets.
var conditionKeys = []string{
	"request.headers[", "source.ip", "remote.ip", "source.namespace", "source.principal", "source.serviceAccount",
	"source.trustDomain", "request.auth.principal", "request.auth.audiences", "request.auth.presenter",
	"request.auth.claims[", "destination.ip", "destination.port", "connection.sni", "experimental.envoy.filters.",
}

func badConditionKey(s string) string {
	for _, k := range conditionKeys {
		last := k[len(k)-1]
		if s == k && last != '[' && last != '.' {
			return ""
		}
		if last == '[' && strings.HasPrefix(s, k) && strings.HasSuffix(s, "]") && len(s) > len(k)+1 {
			return ""
		}
		if last == '.' && strings.HasPrefix(s, k) {
			return ""
		}
	}
	return fmt.Sprintf("%q is not an attribute that a condition can ask for", clip(s))
}
