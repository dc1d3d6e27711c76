package validate

import (
	"fmt"
	"runtime/debug"

	"github.com/heddle-mesh/heddle/mesh"
)

// Fault is a panic in a check: a mistake of ours, not of the objects. It costs
// what the check would have found at that moment, never the program.
type Fault struct {
	Check string // its code; empty when it was not in one
	Key   Key    // what it was about
	Value any    // what it panicked with
	Stack []byte
}

// finding tells people about a fault, so that silence is not taken for "all is
// well".
func (f Fault) finding() mesh.Finding {
	check := "what prepares the checks"
	if f.Check != "" {
		check = "check " + f.Check
	}
	return mesh.Finding{
		Code: mesh.CodeFault, Severity: mesh.Warning, Phase: mesh.PhaseCheck, Ref: f.Key.Ref,
		Message: fmt.Sprintf("%s broke off by a fault of its own (%v); what it would find here is not told", check, f.Value),
		Params:  map[string]string{"check": f.Check, "fault": fmt.Sprint(f.Value)},
	}
}

// tell hands the faults of units to who wants to know of them.
func tell(opt Options, units []*unit) {
	if opt.OnFault == nil {
		return
	}
	for _, u := range units {
		if u.fault != nil {
			opt.OnFault(*u.fault)
		}
	}
}

// guard is deferred: it turns a panic outside of the units of work into a fault,
// and has rescue make the best of it.
func guard(opt Options, rescue func(Fault)) {
	value := recover()
	if value == nil {
		return
	}
	f := Fault{Value: value, Stack: debug.Stack()}
	if opt.OnFault != nil {
		opt.OnFault(f)
	}
	rescue(f)
}
