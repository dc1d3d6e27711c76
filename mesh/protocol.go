package mesh

import (
	"slices"
	"strings"
)

// serverFirst are the ports whose protocols let the server speak first, so
// that sniffing would only wait: DNS, SMTP, MySQL, MongoDB.
var serverFirst = []uint32{25, 53, 3306, 27017}

// PortProtocol decides the protocol of a port as Istio does: appProtocol when
// it is there, else the name up to its first dash, else TCP for well-known
// ports where the server speaks first, else Unnamed. transport is TCP, UDP or
// SCTP; empty is TCP.
func PortProtocol(transport, appProtocol, name string, number uint32) Protocol {
	if transport != "" && transport != "TCP" {
		return UDP
	}
	word := name
	if appProtocol != "" {
		word = appProtocol
		switch strings.ToLower(appProtocol) {
		case "kubernetes.io/h2c":
			return HTTP2
		case "kubernetes.io/ws":
			return HTTP
		case "kubernetes.io/wss":
			return TLS
		}
	}
	word = strings.ToLower(word)
	if strings.HasPrefix(word, "grpc-web") {
		return HTTP // framed gRPC in plain HTTP/1.1 requests
	}
	word, _, _ = strings.Cut(word, "-")
	if p := ParseProtocol(word); p != Unnamed {
		return p
	}
	if slices.Contains(serverFirst, number) {
		return TCP
	}
	return Unnamed
}

// ParseProtocol reads a protocol name as ServiceEntry and Gateway ports write
// it, in any case; Unnamed when it is not known.
func ParseProtocol(name string) Protocol {
	switch strings.ToLower(name) {
	case "http", "http_proxy", "grpc-web":
		return HTTP
	case "http2":
		return HTTP2
	case "grpc":
		return GRPC
	case "tcp", "mongo", "mysql", "redis":
		return TCP
	case "tls", "https":
		return TLS
	case "udp":
		return UDP
	default:
		return Unnamed
	}
}
