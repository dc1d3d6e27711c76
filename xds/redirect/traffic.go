package redirect

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Traffic is what a pod's annotations say about which of its connections the
// proxy takes. A nil Include list means all; an empty one means none.
type Traffic struct {
	IncludeOutboundRanges []netip.Prefix `json:"includeOutboundRanges,omitzero"`
	ExcludeOutboundRanges []netip.Prefix `json:"excludeOutboundRanges,omitempty"`
	IncludeOutboundPorts  []uint16       `json:"includeOutboundPorts,omitempty"` // taken besides the ranges
	ExcludeOutboundPorts  []uint16       `json:"excludeOutboundPorts,omitempty"`
	IncludeInboundPorts   []uint16       `json:"includeInboundPorts,omitzero"`
	ExcludeInboundPorts   []uint16       `json:"excludeInboundPorts,omitempty"`
}

const annotationPrefix = "traffic.sidecar.istio.io/"

// FromAnnotations reads the annotations traffic.sidecar.istio.io/… of a pod.
// The error names every annotation that cannot be read; the others count.
func FromAnnotations(annotations map[string]string) (Traffic, error) {
	var t Traffic
	var errs []error
	read := func(name string, parse func(text string) error) {
		text, ok := annotations[annotationPrefix+name]
		if !ok {
			return
		}
		if err := parse(text); err != nil {
			errs = append(errs, fmt.Errorf("annotation %s%s: %w", annotationPrefix, name, err))
		}
	}
	ports := func(to *[]uint16) func(string) error {
		return func(text string) (err error) {
			*to, err = list(text, parsePort)
			return err
		}
	}
	// "*" is how the annotation spells "all", which is nil here.
	ranges := func(to *[]netip.Prefix) func(string) error {
		return func(text string) (err error) {
			*to, err = list(text, parseRange)
			return err
		}
	}
	all := func(parse func(string) error) func(string) error {
		return func(text string) error {
			if strings.TrimSpace(text) == "*" {
				return nil
			}
			return parse(text)
		}
	}
	read("includeOutboundIPRanges", all(ranges(&t.IncludeOutboundRanges)))
	read("excludeOutboundIPRanges", ranges(&t.ExcludeOutboundRanges))
	read("includeOutboundPorts", ports(&t.IncludeOutboundPorts))
	read("excludeOutboundPorts", ports(&t.ExcludeOutboundPorts))
	read("includeInboundPorts", all(ports(&t.IncludeInboundPorts)))
	read("excludeInboundPorts", ports(&t.ExcludeInboundPorts))
	return t, errors.Join(errs...)
}

// list reads comma-separated values; it is never nil, so that an empty list
// can be told from none.
func list[T any](text string, parse func(string) (T, error)) ([]T, error) {
	values := []T{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		v, err := parse(part)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a port number", text)
	}
	return uint16(n), nil
}

func parseRange(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf("%q is not an IPv4 range such as 10.0.0.0/8", text)
	}
	return p.Masked(), nil
}
