package validate

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/heddle-mesh/heddle/mesh"
)

// Unknown is something that a check could not tell.
type Unknown struct {
	Code string `json:"code"`
	// Ref is the object that it could not be told of, empty when it is all.
	Ref mesh.Ref `json:"ref"`
	// Needs is the evidence that was not there; empty when the counterpart of
	// the object may be out of sight.
	Needs []Aspect `json:"needs,omitempty"`
	// Effort says that the check was broken off, because so many objects have to
	// do with each other; see Options.Bounded.
	Effort bool `json:"effort,omitempty"`
}

// Report is what the checks have to say about one snapshot.
type Report struct {
	Findings   []mesh.Finding // sorted
	Suppressed []mesh.Finding // what annotations or Options keep quiet, sorted
	Unknown    []Unknown      // sorted, without repetitions
}

// Options say how findings are to be read.
type Options struct {
	// Partial says that not everything is in sight: that something is missing
	// then means nothing.
	Partial bool
	// Bounded breaks a check off that looks at very many more objects than there
	// are, as no mesh makes it, but a hostile text can. An Engine takes no notice.
	Bounded bool
	// Stop, once closed, ends the work early: nobody waits for what it finds, and a
	// report made then is worth nothing. An Engine takes no notice.
	Stop <-chan struct{}
	// Suppress keeps findings quiet, besides the annotations of objects.
	Suppress []Suppression
	// OnFault is told when a check broke off; nil is nobody. An Engine calls it
	// with its lock held.
	OnFault func(Fault)
}

// Run does all checks on a snapshot, on all cores.
func Run(s *mesh.Snapshot, e Evidence, opt Options) (r Report) {
	defer guard(opt, func(f Fault) { r = Report{Findings: []mesh.Finding{f.finding()}} })
	x := newIndex(s)
	var all []*unit
	var broken []Unknown
	for i := range List {
		if stopped(opt.Stop) {
			return Report{}
		}
		var work []*unit
		for _, k := range keysOf(s, &List[i]) {
			work = append(work, &unit{check: &List[i], key: k})
		}
		if opt.Bounded && !runBounded(x, e, work, effortFor(s), opt.Stop) {
			broken = append(broken, Unknown{Code: List[i].Code, Effort: true})
		}
		all = append(all, work...)
	}
	if !opt.Bounded {
		runAll(x, e, all, false, opt.Stop)
	}
	tell(opt, all)
	r = report(s, e, opt, all)
	r.Unknown = slices.SortedFunc(slices.Values(append(r.Unknown, broken...)), compareUnknown)
	return r
}

// effortFor is how many objects a check may be given: what the checks of a large
// mesh ask for, with room to spare.
func effortFor(s *mesh.Snapshot) int { return 300_000 + 100*s.Objects.Len() }

// How many units are done between two looks at the effort.
const (
	shortStretch = 64
	longStretch  = 4096
)

// runBounded does the work of one check, and reports whether it got to the end.
// Where it stops does not depend on how many cores there are.
func runBounded(x *Index, e Evidence, work []*unit, bound int, stop <-chan struct{}) bool {
	effort, done, stretch := 0, 0, shortStretch
	for done < len(work) && !stopped(stop) {
		if effort > bound {
			return false
		}
		part := work[done:min(done+stretch, len(work))]
		runAll(x, e, part, false, stop)
		for _, u := range part {
			effort += u.effort
		}
		done += len(part)
		// As many as are left for if they are like those before.
		stretch = min(max((bound-effort)*done/(effort+1), shortStretch), longStretch)
	}
	return true
}

// unit is one key of one check, and what came of it.
type unit struct {
	check   *Check
	key     Key
	found   []mesh.Finding
	looked  []token // what it looked at, when that was asked for
	fault   *Fault  // why it broke off
	effort  int     // how many objects it was given
	owners  int     // objects that make this key
	pending bool    // waits to be run again
}

// batch is how many units a core takes at a time.
const batch = 32

// runAll does the work on all cores, until it is stopped; note says whether
// look-ups are kept.
func runAll(x *Index, e Evidence, work []*unit, note bool, stop <-chan struct{}) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(work)+batch-1)/batch) {
		wg.Go(func() {
			own := *x
			for {
				end := int(next.Add(batch))
				if end-batch >= len(work) {
					return
				}
				for _, u := range work[end-batch : min(end, len(work))] {
					if stopped(stop) {
						return
					}
					u.run(&own, e, note)
				}
			}
		})
	}
	wg.Wait()
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

func (u *unit) run(x *Index, e Evidence, note bool) {
	u.found, u.looked, u.fault, u.pending = nil, nil, nil, false
	if !e.suffices(u.check.Needs) {
		return
	}
	x.note = nil
	if note {
		seen := map[token]bool{}
		x.note = func(t token) {
			if !seen[t] {
				seen[t] = true
				u.looked = append(u.looked, t)
			}
		}
	}
	x.effort = 0
	u.search(x, e)
	u.effort = x.effort
}

// search runs the check. A fault in it costs what this unit would find, and
// nothing else: what it had looked at by then makes it run again.
func (u *unit) search(x *Index, e Evidence) {
	defer func() {
		if value := recover(); value != nil {
			u.fault = &Fault{Check: u.check.Code, Key: u.key, Value: value, Stack: debug.Stack()}
			u.found = []mesh.Finding{u.fault.finding()}
		}
	}()
	for _, f := range u.check.Run(x, u.key, e) {
		u.found = append(u.found, finding(u.check, f))
	}
}

// keysOf is all work of a check, in a fixed order.
func keysOf(s *mesh.Snapshot, c *Check) []Key {
	seen := map[Key]bool{}
	var out []Key
	for _, kind := range c.On {
		for _, o := range s.Kind(kind) {
			for _, k := range c.Keys(s.Settings, o) {
				if !seen[k] {
					seen[k] = true
					out = append(out, k)
				}
			}
		}
	}
	return out
}

// finding gives code, severity and words to what a check found.
func finding(c *Check, f Found) mesh.Finding {
	return mesh.Finding{
		Code: c.Code, Severity: c.Severity, Phase: mesh.PhaseCheck, Ref: f.Object.Ref, Path: f.Path,
		Message: Message(Languages[0], c.Code, f.Params), Params: f.Params, Related: f.Related, Fix: f.Fix, Unsought: f.Unsought,
	}
}

// report gathers what units found.
func report(s *mesh.Snapshot, e Evidence, opt Options, units []*unit) Report {
	var r Report
	blind := map[string]bool{}
	for _, u := range units {
		if len(u.check.Needs) > 0 && !blind[u.check.Code] && !e.suffices(u.check.Needs) {
			blind[u.check.Code] = true
			r.Unknown = append(r.Unknown, Unknown{Code: u.check.Code, Needs: e.lacks(u.check.Needs)})
		}
		for _, f := range u.found {
			switch {
			case u.fault != nil:
				r.Findings = append(r.Findings, f)
			case suppressed(s, opt, u.check, f.Ref):
				r.Suppressed = append(r.Suppressed, f)
			case opt.Partial && u.check.Absence:
				r.Unknown = append(r.Unknown, Unknown{Code: f.Code, Ref: f.Ref})
			default:
				r.Findings = append(r.Findings, f)
			}
		}
	}
	slices.SortFunc(r.Findings, mesh.CompareFindings)
	slices.SortFunc(r.Suppressed, mesh.CompareFindings)
	slices.SortFunc(r.Unknown, compareUnknown)
	r.Unknown = slices.CompactFunc(r.Unknown, func(a, b Unknown) bool { return compareUnknown(a, b) == 0 })
	return r
}

func compareUnknown(a, b Unknown) int {
	return cmp.Or(cmp.Compare(a.Code, b.Code), a.Ref.Compare(b.Ref))
}

// Added are the findings of after that before did not have. A finding that only
// moved inside its object, because of what stands before it, is not new; nor is one
// that was not told before because there were so many like it.
func Added(before, after []mesh.Finding) []mesh.Finding {
	left, untold := map[mesh.Hash]int{}, map[like]int{}
	for _, f := range before {
		left[identity(f)]++
		untold[like{f.Code, f.Ref}] += moreOf(f)
	}
	for _, f := range after {
		untold[like{f.Code, f.Ref}] -= moreOf(f)
	}
	var out []mesh.Finding
	for _, f := range after {
		if id := identity(f); left[id] > 0 {
			left[id]--
		} else if l := (like{f.Code, f.Ref}); untold[l] > 0 {
			untold[l]--
		} else {
			out = append(out, f)
		}
	}
	return out
}

// like is what findings of one code on one object have in common.
type like struct {
	code string
	ref  mesh.Ref
}

// moreParam is the parameter of the last finding that is told of many like it: how
// many more there are.
const moreParam = "more"

func moreOf(f mesh.Finding) int {
	n, err := strconv.Atoi(f.Params[moreParam])
	if err != nil {
		return 0
	}
	return n
}

// circumstances are the parameters that say what else there is, and with it how
// bad a thing is, not what it is: of three objects that exclude each other two
// still do so when one is taken away, and nothing new is wrong with them.
var circumstances = map[string]bool{
	"names": true, "others": true, "other": true, "services": true, "ports": true, "open": true,
	"pod": true, "pods": true, "workload": true, "reason": true, "near": true, moreParam: true,
}

// identity is what a finding says, whatever the place inside its object and
// whatever else there is.
func identity(f mesh.Finding) mesh.Hash {
	said := []string{f.Code, f.Ref.ID()}
	if len(f.Params) == 0 {
		said = append(said, f.Message)
	}
	for _, name := range sortedKeys(f.Params) {
		if !circumstances[name] {
			said = append(said, name, f.Params[name])
		}
	}
	return mesh.HashOf(said...)
}
