package golden

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/heddle-mesh/heddle/xds/redirect"
)

// mark is on the packets of Envoy, and on those of callers that are not to be
// redirected as the application of the sidecar would be.
const mark = 1337

// meshRanges are where the sample mesh has its addresses. All of them are at
// home here.
var meshRanges = []string{"10.66.0.0/16", "10.96.0.0/16"}

func prepareNetwork() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("open the loopback: %w", err)
	}
	for _, r := range meshRanges {
		_, dst, err := net.ParseCIDR(r)
		if err != nil {
			return err
		}
		route := &netlink.Route{
			LinkIndex: lo.Attrs().Index, Dst: dst, Table: unix.RT_TABLE_LOCAL,
			Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
		}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("bring addresses %s home: %w", r, err)
		}
	}
	return nil
}

// redirectFor takes connections to the sidecar at an address: those that leave
// the application there, and those of others to that address. Marked callers
// are others, all else is the application.
func redirectFor(t *testing.T, address netip.Addr) {
	t.Helper()
	others := &redirect.Proxy{By: redirect.ByMark, Value: mark}
	one := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	install(t, redirect.Table{Name: "heddle", Chains: []redirect.Chain{{Hook: redirect.Output, Rules: []redirect.Rule{
		{Source: one(netip.MustParseAddr("127.0.0.6"))}, // the sidecar to its application
		{Destination: one(address), Proxy: others, Do: redirect.Action{Redirect: redirect.InboundPort}},
		{Proxy: others},
		{Destination: netip.MustParsePrefix("127.0.0.0/8")},
		{Do: redirect.Action{Redirect: redirect.OutboundPort}},
	}}}})
	t.Cleanup(func() { install(t, redirect.Table{Name: "heddle"}) })
}

func install(t *testing.T, table redirect.Table) {
	t.Helper()
	if err := redirect.Install(table); err != nil {
		t.Fatal(err)
	}
}

// asOther makes a dialer's connections those of somebody else than the
// application beside the sidecar.
func asOther(_, _ string, c syscall.RawConn) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, mark) }); err != nil {
		return err
	}
	return failed
}
