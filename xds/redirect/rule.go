// Package redirect makes the packet rules that take a pod's TCP through its
// proxy, and those that give service addresses a meaning, as plain data:
//
//	Sidecar(…) or Services(…) → Table → Install (nftables) or Table.IPTables (text)
//
// One generator serves every platform. Its only parameter is how the proxy's
// own packets are told apart (Proxy): by user in Kubernetes, by socket mark in
// local mode.
package redirect

import (
	"fmt"
	"net/netip"
)

// Ports as the field knows them.
const (
	OutboundPort = 15001 // the proxy's listener for what leaves the pod
	InboundPort  = 15006 // the proxy's listener for what enters it
)

// inboundSource is the source address of the proxy's calls to its own
// application; the inbound clusters bind to it.
var inboundSource = netip.MustParsePrefix("127.0.0.6/32")

var loopback = netip.MustParsePrefix("127.0.0.1/32")

// proxyPorts are the pod's ports that belong to the proxy and its agent; they
// are reached directly.
var proxyPorts = []uint16{InboundPort, 15020, 15021, 15090}

// By names a property of the packets that the proxy sends.
type By string

// How the proxy's own packets are told apart.
const (
	ByUID  By = "uid"  // the proxy runs as an own user
	ByMark By = "mark" // the proxy sets SO_MARK, which needs CAP_NET_ADMIN
)

// Proxy says how the proxy's own packets are told apart.
type Proxy struct {
	By    By     `json:"by"`
	Value uint32 `json:"value"`
}

// A Table is a set of chains that is installed as a whole.
type Table struct {
	Name   string
	Chains []Chain
	// Late tables translate what other tables left alone.
	Late bool
}

// Hook is the place where packets enter a chain.
type Hook string

// The hooks in use. The first three translate addresses; OutputFilter and
// ForwardFilter run after them and may reject.
const (
	Output        Hook = "output"     // made by a process here
	Prerouting    Hook = "prerouting" // arrived from elsewhere
	OutputFilter  Hook = "output-filter"
	ForwardFilter Hook = "forward-filter"
)

// A Chain is an ordered list of rules; the first rule that matches decides.
type Chain struct {
	Hook  Hook
	Rules []Rule
}

// A Rule decides about the first packet of a TCP connection. Every rule is
// about TCP alone; other packets pass. Zero fields match everything.
type Rule struct {
	Out            string       // leaves by this interface
	Source         netip.Prefix // comes from here
	Destination    netip.Prefix // goes there
	NotDestination netip.Prefix // goes anywhere but there
	Port           uint16       // destination port
	Proxy          *Proxy       // sent by the proxy
	// OneIn matches one connection in so many, by chance; 0 and 1 match all.
	OneIn uint32

	Do Action
}

// Action is what a rule does. Exactly one of its fields is set; the zero Action
// lets the connection pass.
type Action struct {
	Redirect uint16         // to this port of this machine
	To       netip.AddrPort // to this address
	Reject   bool           // answer with a reset
}

// String is for people and tests.
func (r Rule) String() string {
	s := ""
	add := func(format string, v any) { s += fmt.Sprintf(format+" ", v) }
	if r.Out != "" {
		add("out %s", r.Out)
	}
	if r.Source.IsValid() {
		add("from %v", r.Source)
	}
	if r.Destination.IsValid() {
		add("to %v", r.Destination)
	}
	if r.NotDestination.IsValid() {
		add("not to %v", r.NotDestination)
	}
	if r.Port != 0 {
		add("port %d", r.Port)
	}
	if r.Proxy != nil {
		add("by proxy (%s)", r.Proxy.By)
	}
	if r.OneIn > 1 {
		add("one in %d", r.OneIn)
	}
	return s + r.Do.String()
}

// String is for people and tests.
func (a Action) String() string {
	switch {
	case a.Redirect != 0:
		return fmt.Sprintf("redirect %d", a.Redirect)
	case a.To.IsValid():
		return fmt.Sprintf("dnat %v", a.To)
	case a.Reject:
		return "reject"
	}
	return "pass"
}
