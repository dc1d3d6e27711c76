package config

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
)

// The functions here say what is wrong with one word, or nothing: "".

// maxRegex is the length of the longest regular expression that proxies take.
const maxRegex = 1024

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func badPort(n uint32) string {
	if n < 1 || n > 65535 {
		return fmt.Sprintf("%d is not a port; ports are from 1 to 65535", n)
	}
	return ""
}

// badLabel checks one label of a domain name.
func badLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return true
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) >= 0
}

// badDomain checks a domain name; a dot at its end is allowed.
func badDomain(s string) string {
	if s == "" {
		return "a host name is missing"
	}
	if len(s) > 255 {
		return "a host name has at most 255 characters"
	}
	for _, label := range strings.Split(strings.TrimSuffix(s, "."), ".") {
		if badLabel(label) {
			return fmt.Sprintf("%q is not a host name: the part %q must be letters, digits and dashes", clip(s), clip(label))
		}
	}
	return ""
}

// badWildcard checks a domain name that may be "*" or begin with "*.".
func badWildcard(s string) string {
	if s == "*" {
		return ""
	}
	if rest, ok := strings.CutPrefix(s, "*."); ok {
		return badDomain(rest)
	}
	if strings.Contains(s, "*") {
		return fmt.Sprintf("%q is not a host name: * may only stand alone or as the first part, as in *.example.com", clip(s))
	}
	return badDomain(s)
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func badIP(s string) string {
	if !isIP(s) {
		return fmt.Sprintf("%q is not an IP address", clip(s))
	}
	return ""
}

func badIPOrCIDR(s string) string {
	if _, err := netip.ParsePrefix(s); err != nil && !isIP(s) {
		return fmt.Sprintf("%q is neither an IP address nor a range such as 10.0.0.0/8", clip(s))
	}
	return ""
}

// badRegex checks a regular expression in the syntax of RE2.
func badRegex(s string) string {
	switch {
	case s == "":
		return "an empty regular expression matches nothing useful; write one or remove the match"
	case len(s) > maxRegex:
		return fmt.Sprintf("the regular expression is longer than %d characters", maxRegex)
	}
	if _, err := syntax.Parse(s, syntax.Perl); err != nil {
		return fmt.Sprintf("%q is not a regular expression in RE2 syntax: %v", clip(s), err)
	}
	return ""
}

// badHeader checks the name of a header.
func badHeader(s string) string {
	if s == "" {
		return "a header name is missing"
	}
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 127 || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return fmt.Sprintf("%q is not a header name", clip(s))
		}
	}
	return ""
}

// badDuration checks that a duration is at least a millisecond.
func badDuration(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	if err := d.CheckValid(); err != nil {
		return "the duration is out of range"
	}
	if d.AsDuration() < time.Millisecond {
		return fmt.Sprintf("%s is too short; it must be at least 1ms", d.AsDuration())
	}
	return ""
}

func badPercent(f float64) string {
	if !(f >= 0 && f <= 100) {
		return fmt.Sprintf("%v is not from 0 to 100", f)
	}
	return ""
}

// badGatewayName checks "name" or "namespace/name" of a Gateway.
func badGatewayName(s string) string {
	ns, name, two := strings.Cut(s, "/")
	if !two {
		name = ns
	} else if ns != "." && badLabel(ns) {
		return fmt.Sprintf("%q does not name a gateway: %q is not a namespace", clip(s), clip(ns))
	}
	if badDomain(name) != "" {
		return fmt.Sprintf("%q does not name a gateway; write name or namespace/name", clip(s))
	}
	return ""
}

// badExport checks an item of exportTo.
func badExport(s string) string {
	if s == "." || s == "*" || s == "~" || !badLabel(s) {
		return ""
	}
	return fmt.Sprintf("%q is not a namespace, nor one of \".\", \"*\", \"~\"", clip(s))
}

// hostsOverlap reports whether one of two hosts with wildcards covers the other.
func hostsOverlap(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if a == b {
		return true
	}
	covers := func(wide, narrow string) bool {
		return wide == "*" || strings.HasPrefix(wide, "*.") && strings.HasSuffix(strings.TrimPrefix(narrow, "*"), wide[1:])
	}
	return covers(a, b) || covers(b, a)
}
