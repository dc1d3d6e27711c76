package graph

import (
	"cmp"
	"slices"
)

// tolerance says from which share on traffic is degraded, and from which on it
// fails. They are those that people know from Kiali.
type tolerance struct {
	code              ReasonCode
	protocols         []Protocol
	counts            func(Response) bool
	degraded, failing float64 // degraded: more than; failing: at least
}

func tolerances() []tolerance {
	return []tolerance{
		{ServerErrors, []Protocol{HTTP}, func(r Response) bool { return len(r.Code) == 3 && r.Code[0] == '5' }, 0, 0.10},
		{ClientErrors, []Protocol{HTTP}, func(r Response) bool { return len(r.Code) == 3 && r.Code[0] == '4' }, 0.10, 0.20},
		{GRPCErrors, []Protocol{GRPC}, func(r Response) bool { return r.GRPC != "" && r.GRPC != "0" }, 0, 0.10},
		{NoResponse, []Protocol{HTTP, GRPC}, noResponse, 0, 0.10},
	}
}

// health judges the traffic of one protocol. Without traffic it is unknown.
func (f *figures) health() Health {
	var reasons []Reason
	rates := f.rates()
	if rates.Rate == 0 && rates.Sent == 0 && rates.Received == 0 {
		return Health{Status: NoStatus}
	}
	if f.protocol == TCP {
		reasons = judge(reasons, FailedTCP, rates.ErrorShare, 0, 0.10)
		return verdict(reasons)
	}
	for _, t := range tolerances() {
		if !slices.Contains(t.protocols, f.protocol) {
			continue
		}
		var hit, all float64
		for _, r := range f.list() {
			all += r.Rate
			if t.counts(r) {
				hit += r.Rate
			}
		}
		if all > 0 {
			reasons = judge(reasons, t.code, round(hit/all), t.degraded, t.failing)
		}
	}
	return verdict(reasons)
}

func judge(reasons []Reason, code ReasonCode, share, degraded, failing float64) []Reason {
	switch {
	case share >= failing:
		return append(reasons, Reason{code, Failing, share})
	case share > degraded:
		return append(reasons, Reason{code, Degraded, share})
	}
	return reasons
}

// nodeHealth is the worst of what comes in and of its pods. What a node sends
// is judged where it arrives.
func nodeHealth(n *Node, in map[Protocol]*figures) Health {
	var reasons []Reason
	known := false
	for _, p := range []Protocol{GRPC, HTTP, TCP} {
		if f := in[p]; f != nil {
			h := f.health()
			known = known || h.Status != NoStatus
			reasons = append(reasons, h.Reasons...)
		}
	}
	if n.Pods.Total > 0 {
		known = true
		missing := round(1 - float64(n.Pods.Ready)/float64(n.Pods.Total))
		reasons = judge(reasons, PodsNotReady, missing, 0, 1)
	}
	if !known {
		return Health{Status: NoStatus}
	}
	return verdict(reasons)
}

// verdict is the status that the reasons give, the worst reason first.
func verdict(reasons []Reason) Health {
	slices.SortFunc(reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(rank(b.Status), rank(a.Status)), cmp.Compare(b.Share, a.Share), cmp.Compare(a.Code, b.Code))
	})
	if len(reasons) == 0 {
		return Health{Status: Healthy}
	}
	return Health{Status: reasons[0].Status, Reasons: reasons}
}

func rank(s Status) int {
	switch s {
	case Failing:
		return 2
	case Degraded:
		return 1
	default:
		return 0
	}
}
