package local

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

// fall is what is remembered of a Deployment's pods that ended without being
// asked to: not their programs, which are started again where they are, but
// the world they ran in.
type fall struct {
	count int
	last  time.Time
	pod   string
}

const (
	// maxFallPause bounds the pause before another pod stands in for one that fell.
	maxFallPause = 30 * time.Second
	// fallForgotten is how long after the last fall a Deployment is as good as new.
	fallForgotten = 2 * time.Minute
)

// errFell is why a pod that fell does not run.
var errFell = errors.New("the pod's first process ended, and all others with it")

// after is the memory with one more fall.
func (f fall) after(pod string, now time.Time) fall {
	if now.Sub(f.last) > fallForgotten {
		f.count = 0
	}
	return fall{f.count + 1, now, pod}
}

// pause is how long to wait after the last fall: it doubles with each.
func (f fall) pause() time.Duration {
	return min(retryEvery<<min(f.count-1, 10), maxFallPause)
}

// fell remembers that a pod ended without being asked to, and says how long its
// place is to stay empty. The loop calls it.
func (s *Supervisor) fell(p *pod) time.Duration {
	now := time.Now()
	maps.DeleteFunc(s.falls, func(_ plan.Key, f fall) bool { return now.Sub(f.last) > fallForgotten })
	f := s.falls[p.Deployment].after(p.Name, now)
	s.falls[p.Deployment] = f
	p.Ready, p.failed = false, errFell
	p.status.Running, p.status.Status = false, sandbox.Status{}
	p.status.Reason, p.status.Message = "PodEnded", fmt.Sprintf("%v; another pod is made %v later", errFell, f.pause())
	return f.pause()
}

// fallen are the findings about Deployments whose pods do not stay.
func (s *Supervisor) fallen() []mesh.Finding {
	var out []mesh.Finding
	for _, k := range plan.Sorted(s.falls) {
		f := s.falls[k]
		if _, there := s.wishes[k]; !there || time.Since(f.last) > fallForgotten {
			continue
		}
		ref, origin := s.refOf(mesh.KindDeployment, k)
		finding := plan.Problem{
			Code: mesh.CodePod, Severity: mesh.Error,
			Message: fmt.Sprintf("Pods of Deployment %s do not stay: %d ended as a whole, the last one %s. Nothing but a program in it, or somebody on this machine, ends a pod's first process; the place stays empty for %v. See %s.",
				k, f.count, f.pod, f.pause(), s.o.path("logs", "machine.log")),
		}.Finding(ref, origin)
		finding.Params = map[string]string{"pod": f.pod, "container": ""}
		out = append(out, finding)
	}
	return out
}
