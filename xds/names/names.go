// Package names makes and reads the name of every Envoy resource, so that no
// other place needs to know how they are written. Clusters, listeners and
// route configurations are named as Istio names them.
package names

import (
	"net/netip"
	"strconv"
	"strings"
)

// Clusters that stand for something other than a service port.
const (
	Passthrough        = "PassthroughCluster"        // outbound, to wherever the application dialled
	InboundPassthrough = "InboundPassthroughCluster" // inbound, to a port that nobody declared
	BlackHole          = "BlackHoleCluster"          // nowhere
	Agent              = "agent"                     // static, in the bootstrap: the agent's socket
)

// Listeners that catch redirected connections.
const (
	VirtualOutbound = "virtualOutbound"
	VirtualInbound  = "virtualInbound"
)

// Ports that the redirect sends connections to.
const (
	OutboundPort = 15001
	InboundPort  = 15006
)

// Secrets, served by the agent.
const (
	OwnCertificate = "default"
	TrustBundle    = "ROOTCA"
)

// RuntimeLayer is the layer of runtime switches that Envoy asks for.
const RuntimeLayer = "heddle"

// PlaceholderHost is a host name that nobody can own. It stands in route
// configurations that have no host yet.
const PlaceholderHost = "heddle.invalid"

// Direction of a cluster.
type Direction string

const (
	Outbound Direction = "outbound"
	Inbound  Direction = "inbound"
)

// Cluster is the meaning of a cluster's name.
type Cluster struct {
	Direction Direction
	Port      uint32
	Subset    string
	Host      string
}

// String is the name: "outbound|9080|v1|reviews.default.svc.cluster.local",
// "inbound|9080||".
func (c Cluster) String() string {
	return string(c.Direction) + "|" + strconv.FormatUint(uint64(c.Port), 10) + "|" + c.Subset + "|" + c.Host
}

// OutboundCluster names the cluster of a service port and, unless subset is
// empty, of a subset.
func OutboundCluster(port uint32, subset, host string) string {
	return Cluster{Direction: Outbound, Port: port, Subset: subset, Host: host}.String()
}

// InboundCluster names the cluster that leads to the application's own port.
func InboundCluster(port uint32) string {
	return Cluster{Direction: Inbound, Port: port}.String()
}

// ParseCluster reads what Cluster.String writes. It is false for the clusters
// that stand for no service port.
func ParseCluster(name string) (Cluster, bool) {
	parts := strings.Split(name, "|")
	if len(parts) != 4 || (parts[0] != string(Outbound) && parts[0] != string(Inbound)) {
		return Cluster{}, false
	}
	port, ok := parsePort(parts[1])
	if !ok {
		return Cluster{}, false
	}
	return Cluster{Direction: Direction(parts[0]), Port: port, Subset: parts[2], Host: parts[3]}, true
}

// PortListener names the listener of all HTTP services on a port, and the
// listener of a gateway's port: "0.0.0.0_9080".
func PortListener(port uint32) string { return "0.0.0.0_" + number(port) }

// AddressListener names the listener of one address: "10.96.0.12_3306".
func AddressListener(addr netip.Addr, port uint32) string {
	return addr.String() + "_" + number(port)
}

// OutboundRoutes names the route configuration of a port: "9080".
func OutboundRoutes(port uint32) string { return number(port) }

// InboundRoutes names the route configuration of an application's own port:
// "inbound|9080||".
func InboundRoutes(port uint32) string { return InboundCluster(port) }

// GatewayRoutes names the route configuration of a gateway's plaintext port:
// "http.80".
func GatewayRoutes(port uint32) string { return "http." + number(port) }

// VirtualHost names a virtual host that is served by itself. Envoy cuts the
// name at its last slash to find the route configuration, so slashes in the
// suffix are replaced.
func VirtualHost(routeConfiguration, suffix string) string {
	return routeConfiguration + "/" + strings.ReplaceAll(suffix, "/", "_")
}

// ParseVirtualHost cuts the name of a virtual host into its route
// configuration and the rest.
func ParseVirtualHost(name string) (routeConfiguration, suffix string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}

func number(port uint32) string { return strconv.FormatUint(uint64(port), 10) }

func parsePort(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	// Only the one spelling that number writes is a port's name.
	return uint32(n), err == nil && strconv.FormatUint(n, 10) == s
}
