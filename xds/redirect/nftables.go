package redirect

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Install puts tables into the network namespace of the calling thread, as one
// transaction. A table of the same name is replaced; connections that exist
// keep the way they have.
func Install(tables ...Table) error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	for _, t := range tables {
		table := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: t.Name}
		// Deleting needs the table to exist: adding it first makes it so.
		conn.AddTable(table)
		conn.DelTable(table)
		conn.AddTable(table)
		for _, c := range t.Chains {
			chain, err := nftChain(table, c.Hook, t.Late)
			if err != nil {
				return err
			}
			conn.AddChain(chain)
			for _, r := range c.Rules {
				exprs, err := r.exprs()
				if err != nil {
					return fmt.Errorf("rule %q: %w", r, err)
				}
				conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
			}
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("install nftables rules: %w", err)
	}
	return nil
}

func nftChain(table *nftables.Table, hook Hook, late bool) (*nftables.Chain, error) {
	c := &nftables.Chain{Name: string(hook), Table: table}
	switch hook {
	case Output:
		c.Type, c.Hooknum, c.Priority = nftables.ChainTypeNAT, nftables.ChainHookOutput, nftables.ChainPriorityNATDest
	case Prerouting:
		c.Type, c.Hooknum, c.Priority = nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest
	case OutputFilter:
		c.Type, c.Hooknum, c.Priority = nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityFilter
	case ForwardFilter:
		c.Type, c.Hooknum, c.Priority = nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter
	default:
		return nil, fmt.Errorf("hook %q is unknown", hook)
	}
	if late && c.Type == nftables.ChainTypeNAT {
		c.Priority = nftables.ChainPriorityRef(*nftables.ChainPriorityNATDest + 1)
	}
	return c, nil
}

const (
	reg  = 1 // every rule is evaluated from scratch, one register does
	reg2 = 2 // the port of a destination
)

// Offsets in the IPv4 header.
const (
	sourceOffset      = 12
	destinationOffset = 16
)

func (r Rule) exprs() ([]expr.Any, error) {
	parts := [][]expr.Any{meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_TCP})}
	add := func(e ...expr.Any) { parts = append(parts, e) }
	if r.Out != "" {
		name := make([]byte, unix.IFNAMSIZ)
		copy(name, r.Out)
		add(meta(expr.MetaKeyOIFNAME, name)...)
	}
	if r.Source.IsValid() {
		add(address(sourceOffset, expr.CmpOpEq, r.Source)...)
	}
	if r.Destination.IsValid() {
		add(address(destinationOffset, expr.CmpOpEq, r.Destination)...)
	}
	if r.NotDestination.IsValid() {
		add(address(destinationOffset, expr.CmpOpNeq, r.NotDestination)...)
	}
	if r.Port != 0 {
		add(
			&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binaryutil.BigEndian.PutUint16(r.Port)},
		)
	}
	if r.Proxy != nil {
		keys := map[By]expr.MetaKey{ByUID: expr.MetaKeySKUID, ByMark: expr.MetaKeyMARK}
		key, ok := keys[r.Proxy.By]
		if !ok {
			return nil, fmt.Errorf("the proxy cannot be told apart by %q", r.Proxy.By)
		}
		add(meta(key, binaryutil.NativeEndian.PutUint32(r.Proxy.Value))...)
	}
	if r.OneIn > 1 {
		add(
			&expr.Numgen{Register: reg, Modulus: r.OneIn, Type: unix.NFT_NG_RANDOM},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: make([]byte, 4)},
		)
	}
	return append(slices.Concat(parts...), r.Do.exprs()...), nil
}

func (a Action) exprs() []expr.Any {
	switch {
	case a.Redirect != 0:
		return []expr.Any{
			&expr.Immediate{Register: reg, Data: binaryutil.BigEndian.PutUint16(a.Redirect)},
			&expr.Redir{RegisterProtoMin: reg},
		}
	case a.To.IsValid():
		return []expr.Any{
			&expr.Immediate{Register: reg, Data: a.To.Addr().AsSlice()},
			&expr.Immediate{Register: reg2, Data: binaryutil.BigEndian.PutUint16(a.To.Port())},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg, RegProtoMin: reg2},
		}
	case a.Reject:
		return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}
	}
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
}

func meta(key expr.MetaKey, data []byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: key, Register: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data},
	}
}

// address compares the bits of a range with the IPv4 address at offset.
func address(offset uint32, op expr.CmpOp, p netip.Prefix) []expr.Any {
	mask := binaryutil.BigEndian.PutUint32(uint32(uint64(0xffffffff) << (32 - p.Bits())))
	return []expr.Any{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg, Data: p.Masked().Addr().AsSlice()},
	}
}
