package history

import (
	"cmp"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// ranks say what is written before what: that which others refer to comes first,
// and goes last. Kinds that are not named stand in the middle.
var ranks = map[mesh.Kind]int{
	mesh.KindNamespace: 0, mesh.KindServiceAccount: 1, mesh.KindConfigMap: 2, mesh.KindSecret: 2, mesh.KindService: 3, mesh.KindDeployment: 4,
	mesh.KindServiceEntry: 10, mesh.KindWorkloadEntry: 10, mesh.KindWorkloadGroup: 10,
	mesh.KindGatewayClass: 19, mesh.KindGateway: 20, mesh.KindK8sGateway: 20, mesh.KindListenerSet: 21, mesh.KindReferenceGrant: 21,
	mesh.KindDestinationRule: 30, mesh.KindBackendTLSPolicy: 30,
	mesh.KindRequestAuthentication: 40, mesh.KindAuthorizationPolicy: 41,
	mesh.KindVirtualService: 60, mesh.KindHTTPRoute: 60, mesh.KindGRPCRoute: 60, mesh.KindTCPRoute: 60, mesh.KindTLSRoute: 60, mesh.KindUDPRoute: 60,
}

const middle = 50

func rank(k mesh.Kind) int {
	if r, ok := ranks[k]; ok {
		return r
	}
	return middle
}

// Steps puts changes in an order that breaks no traffic: first what is written,
// the objects that others refer to before those that do, then what is deleted,
// the other way round.
//
// Nearly every set is one step, since a proxy is told of the parts of a snapshot
// in the order in which it needs them. Several are needed only where two proxies
// must agree: the way that callers open connections (the TLS of a
// DestinationRule) and what servers accept (PeerAuthentication). Then servers are
// opened first, callers change next, and servers are closed last; every proxy
// must have taken a step before the next one.
func Steps(changes []source.Change, present map[mesh.Ref]*mesh.Object) [][]source.Change {
	ordered := slices.Clone(changes)
	slices.SortStableFunc(ordered, func(a, b source.Change) int {
		if (a.Text == nil) != (b.Text == nil) {
			if a.Text == nil {
				return 1
			}
			return -1
		}
		order := cmp.Compare(rank(a.Ref.Kind), rank(b.Ref.Kind))
		if a.Text == nil {
			order = -order
		}
		return order
	})
	if !slices.ContainsFunc(ordered, func(c source.Change) bool { return changesTLS(c, present[c.Ref]) }) {
		return [][]source.Change{ordered}
	}
	var opening, others, closing []source.Change
	for _, c := range ordered {
		switch {
		case c.Ref.Kind != mesh.KindPeerAuthentication:
			others = append(others, c)
		case closes(c, present[c.Ref]):
			closing = append(closing, c)
		default:
			opening = append(opening, c)
		}
	}
	return slices.DeleteFunc([][]source.Change{opening, others, closing}, func(s []source.Change) bool { return len(s) == 0 })
}

// changesTLS reports whether a change makes callers open connections differently.
func changesTLS(c source.Change, now *mesh.Object) bool {
	if c.Ref.Kind != mesh.KindDestinationRule {
		return false
	}
	return !slices.Equal(clientTLS(now), clientTLS(decoded(c.Text)))
}

// clientTLS lists how a DestinationRule has connections opened.
func clientTLS(o *mesh.Object) []string {
	if o == nil {
		return nil
	}
	dr, ok := o.Spec.(*networking.DestinationRule)
	if !ok {
		return nil
	}
	var out []string
	add := func(where string, p *networking.TrafficPolicy) {
		if tls := p.GetTls(); tls != nil {
			out = append(out, where+" "+tls.String())
		}
		for _, port := range p.GetPortLevelSettings() {
			if tls := port.GetTls(); tls != nil {
				out = append(out, where+" "+port.GetPort().String()+" "+tls.String())
			}
		}
	}
	add("", dr.TrafficPolicy)
	for _, s := range dr.Subsets {
		add(s.Name, s.TrafficPolicy)
	}
	return out
}

// closes reports whether a change may make servers refuse what they accept now.
// One that is deleted gives way to a wider one: it closes unless it was narrow.
func closes(c source.Change, now *mesh.Object) bool {
	if c.Text == nil {
		return !narrow(now)
	}
	return narrow(decoded(c.Text))
}

// narrow reports whether a PeerAuthentication refuses some connections.
func narrow(o *mesh.Object) bool {
	if o == nil {
		return false
	}
	pa, ok := o.Spec.(*security.PeerAuthentication)
	if !ok {
		return false
	}
	refuses := func(m *security.PeerAuthentication_MutualTLS) bool {
		return m.GetMode() == security.PeerAuthentication_MutualTLS_STRICT || m.GetMode() == security.PeerAuthentication_MutualTLS_DISABLE
	}
	for _, m := range pa.PortLevelMtls {
		if refuses(m) {
			return true
		}
	}
	return refuses(pa.Mtls)
}

// decoded is the object of a text; nil where there is none.
func decoded(text []byte) *mesh.Object {
	if text == nil {
		return nil
	}
	if r := config.Decode("", text); len(r.Objects) == 1 {
		return r.Objects[0]
	}
	return nil
}
