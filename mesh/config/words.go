package config

import (
	"fmt"
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

// sortedKeys lists the keys of a map; most maps in objects are empty.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

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
	switch {
	case s == "":
		return "a host name is missing"
	case len(s) > 255:
		return "a host name has at most 255 characters"
	}
	return badParts(s, s)
}

// badParts checks the parts of a domain name, of which name is the whole.
func badParts(name, parts string) string {
	for rest := parts; ; {
		part, more, dots := strings.Cut(rest, ".")
		if badLabel(part) {
			return fmt.Sprintf("%q is not a host name: the part %q must be letters, digits and dashes", clip(name), clip(part))
		}
		if !dots || more == "" {
			if !dots && isNumber(part) {
				return fmt.Sprintf("%q is not a host name: its last part cannot be a number", clip(name))
			}
			return ""
		}
		rest = more
	}
}

func isNumber(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// badWildcard checks a domain name that may be "*" or whose first part may begin
// with "*".
func badWildcard(s string) string {
	if s == "" || len(s) > 255 {
		return badDomain(s)
	}
	first, rest, dots := strings.Cut(s, ".")
	if label, ok := strings.CutPrefix(first, "*"); ok && label != "" && badLabel(strings.TrimPrefix(label, "-")) || !ok && badLabel(first) {
		return fmt.Sprintf("%q is not a host name: the part %q must be letters, digits and dashes", clip(s), clip(first))
	}
	if strings.Contains(rest, "*") {
		return fmt.Sprintf("%q is not a host name: * may only stand alone or as the first part, as in *.example.com", clip(s))
	}
	if !dots || rest == "" {
		return ""
	}
	return badParts(s, rest)
}

// partialWildcard reports whether a host has a * that is not its whole first
// part.
func partialWildcard(s string) bool {
	return strings.Contains(s, "*") && s != "*" && !strings.HasPrefix(s, "*.")
}

func isIP(s string) bool {
	// Most texts are names; telling so costs less than an error.
	if s == "" || (s[0] < '0' || s[0] > '9') && !strings.Contains(s, ":") {
		return false
	}
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

// badDuration checks that a duration is a whole number of milliseconds, at
// least one.
func badDuration(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	if err := d.CheckValid(); err != nil {
		return "the duration is out of range"
	}
	switch length := d.AsDuration(); {
	case length < time.Millisecond:
		return fmt.Sprintf("%s is too short; it must be at least 1ms", length)
	case length%time.Millisecond != 0:
		return fmt.Sprintf("%s is too fine; durations are counted in milliseconds", length)
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
	switch {
	case !two:
		if badDomain(s) != "" {
			return fmt.Sprintf("%q does not name a gateway; write name or namespace/name", clip(s))
		}
	case badLabel(ns):
		return fmt.Sprintf("%q does not name a gateway: %q is not a namespace", clip(s), clip(ns))
	case badLabel(name):
		return fmt.Sprintf("%q does not name a gateway: %q must be letters, digits and dashes", clip(s), clip(name))
	}
	return ""
}
