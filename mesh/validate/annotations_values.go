package validate

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"istio.io/api/annotation"
)

// annotationValues say what is expected of the value of an annotation; empty
// when it is as expected. Annotations that take any text are not listed.
var annotationValues = map[string]func(string) string{
	annotation.SidecarTrafficIncludeOutboundIPRanges.Name:     rangesOrAll,
	annotation.SidecarTrafficExcludeOutboundIPRanges.Name:     ranges,
	annotation.SidecarTrafficIncludeInboundPorts.Name:         portsOrAll,
	annotation.SidecarTrafficExcludeInboundPorts.Name:         ports,
	annotation.SidecarTrafficIncludeOutboundPorts.Name:        portsOrAll,
	annotation.SidecarTrafficExcludeOutboundPorts.Name:        ports,
	annotation.SidecarStatusPort.Name:                         onePort,
	annotation.SidecarStatusReadinessApplicationPorts.Name:    ports,
	annotation.SidecarStatusReadinessFailureThreshold.Name:    count,
	annotation.SidecarStatusReadinessInitialDelaySeconds.Name: count,
	annotation.SidecarStatusReadinessPeriodSeconds.Name:       count,
	annotation.SidecarInterceptionMode.Name:                   interception,
	annotation.SidecarRewriteAppHTTPProbers.Name:              yesOrNo,
	annotation.PrometheusMergeMetrics.Name:                    yesOrNo,
}

func rangesOrAll(s string) string {
	if s == "*" {
		return ""
	}
	if ranges(s) != "" {
		return "* or address ranges such as 10.0.0.0/8, separated by commas"
	}
	return ""
}

func ranges(s string) string {
	for part := range commaList(s) {
		if _, err := netip.ParsePrefix(part); err != nil {
			return "address ranges such as 10.0.0.0/8, separated by commas"
		}
	}
	return ""
}

func portsOrAll(s string) string {
	if s == "*" {
		return ""
	}
	if ports(s) != "" {
		return "* or port numbers, separated by commas"
	}
	return ""
}

func ports(s string) string {
	for part := range commaList(s) {
		if onePort(part) != "" {
			return "port numbers, separated by commas"
		}
	}
	return ""
}

func onePort(s string) string {
	if _, err := strconv.ParseUint(s, 10, 16); err != nil {
		return "a port number from 0 to 65535"
	}
	return ""
}

func count(s string) string {
	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return "a whole number that is not below 0"
	}
	return ""
}

func yesOrNo(s string) string {
	if _, err := strconv.ParseBool(s); err != nil {
		return "true or false"
	}
	return ""
}

func interception(s string) string {
	if !slices.Contains([]string{"REDIRECT", "TPROXY", "NONE"}, s) {
		return "REDIRECT, TPROXY or NONE"
	}
	return ""
}

// commaList are the parts of a list with commas; nothing is an empty list.
func commaList(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		if strings.TrimSpace(s) == "" {
			return
		}
		for part := range strings.SplitSeq(s, ",") {
			if !yield(strings.TrimSpace(part)) {
				return
			}
		}
	}
}
