package redirect

import (
	"fmt"
	"strings"
)

// IPTables is the table as input for iptables-restore --noflush, for nodes
// where iptables is what the platform speaks. The rules stand in chains of our
// own, which the built-in chains jump to, so that "pass" hands the connection
// on to whatever rules others have.
func (t Table) IPTables() (string, error) {
	var b strings.Builder
	for _, kind := range []string{"nat", "filter"} {
		var chains []Chain
		for _, c := range t.Chains {
			if iptablesKind(c.Hook) == kind {
				chains = append(chains, c)
			}
		}
		if len(chains) == 0 {
			continue
		}
		fmt.Fprintf(&b, "*%s\n", kind)
		for _, c := range chains {
			fmt.Fprintf(&b, ":%s - [0:0]\n", t.iptablesChain(c.Hook))
		}
		for _, c := range chains {
			own := t.iptablesChain(c.Hook)
			builtin := strings.ToUpper(strings.TrimSuffix(string(c.Hook), "-filter"))
			fmt.Fprintf(&b, "-A %s -p tcp -j %s\n", builtin, own)
			for _, r := range c.Rules {
				text, err := r.iptables()
				if err != nil {
					return "", fmt.Errorf("rule %q: %w", r, err)
				}
				fmt.Fprintf(&b, "-A %s -p tcp%s\n", own, text)
			}
		}
		b.WriteString("COMMIT\n")
	}
	return b.String(), nil
}

func iptablesKind(h Hook) string {
	if h == OutputFilter || h == ForwardFilter {
		return "filter"
	}
	return "nat"
}

func (t Table) iptablesChain(h Hook) string {
	return strings.ToUpper(t.Name + "_" + strings.TrimSuffix(string(h), "-filter"))
}

func (r Rule) iptables() (string, error) {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	if r.Out != "" {
		add("-o %s", r.Out)
	}
	if r.Source.IsValid() {
		add("-s %s", r.Source.Masked())
	}
	if r.Destination.IsValid() {
		add("-d %s", r.Destination.Masked())
	}
	if r.NotDestination.IsValid() {
		add("! -d %s", r.NotDestination.Masked())
	}
	if r.Port != 0 {
		add("--dport %d", r.Port)
	}
	if r.Proxy != nil {
		switch r.Proxy.By {
		case ByUID:
			add("-m owner --uid-owner %d", r.Proxy.Value)
		case ByMark:
			add("-m mark --mark %d", r.Proxy.Value)
		default:
			return "", fmt.Errorf("the proxy cannot be told apart by %q", r.Proxy.By)
		}
	}
	if r.OneIn > 1 {
		add("-m statistic --mode random --probability %.11f", 1/float64(r.OneIn))
	}
	switch {
	case r.Do.Redirect != 0:
		add("-j REDIRECT --to-ports %d", r.Do.Redirect)
	case r.Do.To.IsValid():
		add("-j DNAT --to-destination %s", r.Do.To)
	case r.Do.Reject:
		add("-j REJECT --reject-with tcp-reset")
	default:
		add("-j RETURN")
	}
	return b.String(), nil
}
