package validate

import (
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// Aspect is one kind of evidence.
type Aspect string

// What a check can need besides the objects.
const (
	AspectNow          Aspect = "time"         // Evidence.Now
	AspectCalls        Aspect = "calls"        // Evidence.Calls
	AspectChanges      Aspect = "changes"      // Evidence.ChangedAt
	AspectCertificates Aspect = "certificates" // Evidence.Certificates
)

// Evidence is what was observed of the running mesh. A nil part was not
// observed: checks that need it cannot tell.
type Evidence struct {
	Now          time.Time
	Calls        []Call                 // of the last minutes, sorted by caller and host
	ChangedAt    map[mesh.Ref]time.Time // when each object last changed
	Certificates []Certificate          // in use by proxies, sorted by proxy
}

// Call is traffic that was seen between a workload and a service.
type Call struct {
	Source    mesh.Ref // the Deployment, or other owner, of the caller
	Host      string   // of the service: "reviews.default.svc.cluster.local"
	Port      uint32   // 0 when unknown
	Protocol  string   // "http", "grpc", "tcp"
	PerSecond float64  // requests, or connections for tcp
	ErrorRate float64  // 0 to 1
}

// Certificate is one that a proxy presents.
type Certificate struct {
	Workload  mesh.Ref
	NotBefore time.Time
	NotAfter  time.Time
	Names     []string // DNS names and URIs
}

// has reports whether an aspect was observed.
func (e Evidence) has(a Aspect) bool {
	switch a {
	case AspectNow:
		return !e.Now.IsZero()
	case AspectCalls:
		return e.Calls != nil
	case AspectChanges:
		return e.ChangedAt != nil
	case AspectCertificates:
		return e.Certificates != nil
	}
	return false
}

// lacks are the aspects that were not observed.
func (e Evidence) lacks(needs []Aspect) []Aspect {
	var out []Aspect
	for _, a := range needs {
		if !e.has(a) {
			out = append(out, a)
		}
	}
	return out
}

// suffices reports whether all aspects were observed.
func (e Evidence) suffices(needs []Aspect) bool {
	for _, a := range needs {
		if !e.has(a) {
			return false
		}
	}
	return true
}
