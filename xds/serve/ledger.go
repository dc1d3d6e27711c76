package serve

import (
	"cmp"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// ProxyStatus is what one connected proxy was sent, and what it said to it.
type ProxyStatus struct {
	UID       string   `json:"uid"`
	ID        string   `json:"id"` // "pod.namespace"
	Namespace string   `json:"namespace,omitempty"`
	Role      xds.Role `json:"role,omitempty"`
	// Version of the proxy itself, as it says: "1.40.0".
	Version   string    `json:"version,omitempty"`
	Connected time.Time `json:"connected"`
	Streams   int       `json:"streams"`
	// Revision of the newest snapshot that the proxy's state was made from;
	// empty as long as nothing is known about the pod.
	Revision string `json:"revision,omitempty"`
	// Settled is true when the proxy has acknowledged everything that follows
	// from Revision.
	Settled bool `json:"settled"`
	// Stale is true when the proxy has owed an answer for more than 5 seconds.
	Stale bool         `json:"stale"`
	Types []TypeStatus `json:"types"`
}

// TypeStatus is the ledger of one resource type. Counts are over the life of
// the stream.
type TypeStatus struct {
	Type       string `json:"type"` // type URL
	Wildcard   bool   `json:"wildcard,omitempty"`
	Subscribed int    `json:"subscribed"` // names asked for
	Held       int    `json:"held"`       // resources that the proxy has

	Sent     Sent     `json:"sent"`
	Acked    Answer   `json:"acked"`
	Rejected Rejected `json:"rejected"`
	// PendingSince is when the response was sent that is not answered yet.
	PendingSince *time.Time `json:"pendingSince,omitempty"`
}

// Sent counts responses.
type Sent struct {
	Responses uint64     `json:"responses"`
	Resources uint64     `json:"resources"`
	Removed   uint64     `json:"removed"`
	Bytes     uint64     `json:"bytes"`
	Version   string     `json:"version,omitempty"` // snapshot revision of the last one
	Nonce     string     `json:"nonce,omitempty"`
	At        *time.Time `json:"at,omitempty"`
}

// Answer counts acknowledgements.
type Answer struct {
	Count   uint64     `json:"count"`
	Version string     `json:"version,omitempty"`
	Nonce   string     `json:"nonce,omitempty"`
	At      *time.Time `json:"at,omitempty"`
}

// Rejected counts rejections.
type Rejected struct {
	Count uint64 `json:"count"`
	// Words are the proxy's, of the last rejection.
	Words string `json:"words,omitempty"`
	// Resource that was found guilty, empty while that is being found out.
	Resource string     `json:"resource,omitempty"`
	At       *time.Time `json:"at,omitempty"`
}

// staleAfter is how long a proxy may owe an answer.
const staleAfter = 5 * time.Second

// ledger is the status of one stream by type. Its stream's lock guards it.
type ledger struct {
	types map[string]*TypeStatus
}

func newLedger() *ledger { return &ledger{types: map[string]*TypeStatus{}} }

func (l *ledger) of(typ string) *TypeStatus {
	t := l.types[typ]
	if t == nil {
		t = &TypeStatus{Type: typ}
		l.types[typ] = t
	}
	return t
}

func (l *ledger) sent(typ, nonce, version string, resources, removed, bytes int, at time.Time) {
	t := l.of(typ)
	t.Sent.Responses++
	t.Sent.Resources += uint64(resources)
	t.Sent.Removed += uint64(removed)
	t.Sent.Bytes += uint64(bytes)
	t.Sent.Version, t.Sent.Nonce, t.Sent.At = version, nonce, &at
	t.PendingSince = &at
}

func (l *ledger) acked(typ, nonce string, at time.Time) {
	t := l.of(typ)
	t.PendingSince = nil
	t.Acked.Count++
	t.Acked.Version, t.Acked.Nonce, t.Acked.At = t.Sent.Version, nonce, &at
}

func (l *ledger) rejected(typ, words, resource string, at time.Time) {
	t := l.of(typ)
	t.PendingSince = nil
	t.Rejected.Count++
	t.Rejected.Words, t.Rejected.Resource, t.Rejected.At = words, resource, &at
}

// list gives the status by type, in the order of xds.Types.
func (l *ledger) list() []TypeStatus {
	all := make([]TypeStatus, 0, len(l.types))
	for _, t := range l.types {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b TypeStatus) int {
		return cmp.Or(xds.Part{Type: a.Type}.Compare(xds.Part{Type: b.Type}), cmp.Compare(a.Type, b.Type))
	})
	return all
}

// merge joins the streams of one pod: of a type that stands on two streams, the
// newer stream's word counts.
func merge(older, newer ProxyStatus) ProxyStatus {
	out := newer
	out.Streams = older.Streams + newer.Streams
	out.Version = cmp.Or(newer.Version, older.Version)
	out.Settled = older.Settled && newer.Settled
	out.Stale = older.Stale || newer.Stale
	if older.Connected.Before(out.Connected) {
		out.Connected = older.Connected
	}
	out.Types = slices.Clone(newer.Types)
	for _, t := range older.Types {
		if !slices.ContainsFunc(out.Types, func(n TypeStatus) bool { return n.Type == t.Type }) {
			out.Types = append(out.Types, t)
		}
	}
	slices.SortFunc(out.Types, func(a, b TypeStatus) int {
		return cmp.Or(xds.Part{Type: a.Type}.Compare(xds.Part{Type: b.Type}), cmp.Compare(a.Type, b.Type))
	})
	return out
}

// sortFindings orders findings and drops doubles.
func sortFindings(all []mesh.Finding) []mesh.Finding {
	slices.SortStableFunc(all, mesh.CompareFindings)
	return slices.CompactFunc(all, func(a, b mesh.Finding) bool { return mesh.CompareFindings(a, b) == 0 })
}
