package ca

import (
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

// Unknown stands in a Subject for a fact that nobody stated.
const Unknown = "unknown"

// maxValue is the longest attribute value; X.520 bounds CN, O, OU and
// serialNumber by 64.
const maxValue = 64

// Subject is who a workload is and what describes it.
type Subject struct {
	// The identity: spiffe://<TrustDomain>/ns/<Namespace>/sa/<ServiceAccount>.
	TrustDomain    string
	Namespace      string
	ServiceAccount string

	// The description. Empty values are written as Unknown.
	UID       string // serialNumber: UID of the pod
	Cluster   string // street
	Revision  string // ST: canonical revision
	Canonical string // L: canonical service
	Version   string // OU
	App       string // O
	Workload  string // CN: name of the owner
}

// SubjectOf says who a workload is. It fails when a value holds a character
// that could be read as anything but part of that one value: such a workload
// gets no certificate at all.
func SubjectOf(w *mesh.Workload, trustDomain string) (Subject, error) {
	s := Subject{
		TrustDomain: trustDomain, Namespace: w.Namespace, ServiceAccount: w.ServiceAccount,
		UID: w.UID, Cluster: w.Cluster, Revision: w.Revision, Canonical: w.Canonical,
		Version: w.Version, App: w.App, Workload: w.Workload,
	}
	if s.ServiceAccount == "" {
		s.ServiceAccount = "default"
	}
	if err := s.Validate(); err != nil {
		return Subject{}, fmt.Errorf("identity of pod %s/%s: %w", w.Namespace, w.Pod, err)
	}
	return s, nil
}

// DescriptionHash digests everything about a workload that its certificate
// says. When it changes, the workload's certificate is to be renewed.
func DescriptionHash(w *mesh.Workload) string {
	return mesh.HashOf(w.Namespace, w.ServiceAccount, w.UID, w.Cluster, w.Revision,
		w.Canonical, w.Version, w.App, w.Workload).String()
}

// URI is the SPIFFE identity.
func (s Subject) URI() *url.URL {
	return &url.URL{Scheme: "spiffe", Host: s.TrustDomain, Path: "/ns/" + s.Namespace + "/sa/" + s.ServiceAccount}
}

// attribute is one fact of the description.
type attribute struct {
	name  string // as the field knows it, for messages
	oid   asn1.ObjectIdentifier
	value func(Subject) string
}

// attributes lists the description in the order in which it is written; a
// reader that prints names the RFC 2253 way shows it from the last to the first.
func attributes() []attribute {
	return []attribute{
		{"pod UID", asn1.ObjectIdentifier{2, 5, 4, 5}, func(s Subject) string { return s.UID }},
		{"cluster", asn1.ObjectIdentifier{2, 5, 4, 9}, func(s Subject) string { return s.Cluster }},
		{"canonical revision", asn1.ObjectIdentifier{2, 5, 4, 8}, func(s Subject) string { return s.Revision }},
		{"canonical service", asn1.ObjectIdentifier{2, 5, 4, 7}, func(s Subject) string { return s.Canonical }},
		{"version", asn1.ObjectIdentifier{2, 5, 4, 11}, func(s Subject) string { return s.Version }},
		{"app", asn1.ObjectIdentifier{2, 5, 4, 10}, func(s Subject) string { return s.App }},
		{"workload", asn1.ObjectIdentifier{2, 5, 4, 3}, func(s Subject) string { return s.Workload }},
	}
}

// Name is the description as a distinguished name: always seven attributes, in
// one order.
func (s Subject) Name() pkix.Name {
	var n pkix.Name
	for _, a := range attributes() {
		n.ExtraNames = append(n.ExtraNames, pkix.AttributeTypeAndValue{Type: a.oid, Value: fit(a.value(s))})
	}
	return n
}

// Validate reports the first value that cannot be written.
func (s Subject) Validate() error {
	identity := []struct {
		name, value string
		max         int
	}{
		{"trust domain", s.TrustDomain, 255},
		{"namespace", s.Namespace, 63},
		{"service account", s.ServiceAccount, 253},
	}
	for _, p := range identity {
		if !isDNSName(p.value) || len(p.value) > p.max {
			return fmt.Errorf("%s %q is not a DNS name of at most %d characters (lower-case letters, digits, '-' and '.')", p.name, p.value, p.max)
		}
	}
	if strings.Contains(s.Namespace, ".") {
		return fmt.Errorf("namespace %q must not contain a dot", s.Namespace)
	}
	for _, a := range attributes() {
		if v := a.value(s); !isPlain(v) {
			return fmt.Errorf("%s %q holds characters other than letters, digits, '.', '_' and '-': no certificate is issued; change the label or name", a.name, v)
		}
	}
	return nil
}

// fit writes a value into at most 64 characters; a longer one is cut and ends
// in a digest of the whole, so that two long values stay different.
func fit(v string) string {
	if v == "" {
		return Unknown
	}
	if len(v) <= maxValue {
		return v
	}
	sum := sha256.Sum256([]byte(v))
	tail := "-" + hex.EncodeToString(sum[:6])
	return v[:maxValue-len(tail)] + tail
}

func isPlain(v string) bool {
	for i := range len(v) {
		c := v[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

func isDNSName(v string) bool {
	for label := range strings.SplitSeq(v, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}
