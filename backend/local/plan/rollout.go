package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Pod is a pod as the supervisor observes it.
type Pod struct {
	Key
	UID        string
	Deployment Key
	Hash       string // of the template it was made from
	IP         netip.Addr
	Labels     map[string]string
	Template   *corev1.PodTemplateSpec
	Gateway    bool
	Created    time.Time

	Starting    bool // its programs do not run yet
	Ready       bool // takes traffic
	Terminating bool // asked to stop: takes nothing new
	Withdrawn   bool // no longer an endpoint at all
}

// Wish is a Deployment as far as rolling it out goes.
type Wish struct {
	Deployment Key
	Hash       string // of the template
	Replicas   int
	Surge      int  // pods above Replicas while one set replaces another; at least 1
	Recreate   bool // stop all of the old set first
	// Blocked deployments cannot run as written: nothing new is started, and
	// what runs stays.
	Blocked bool
}

// Action is one step: exactly one of its fields is set.
type Action struct {
	Create *Wish
	Stop   *Pod
}

// Room bounds the pods there may be.
type Room struct {
	Pods     int // of all Deployments together, with those that are ending
	Starting int // at one time; the others wait for their turn
}

// Reconcile says what to do next so that pods become what is wished for. New
// pods are ready before old ones are stopped; nothing is done that would leave
// fewer ready pods than wished for. It says the same until something changes.
// Where room is short, Deployments share it evenly; short is how many pods each
// lacks because all the room is taken.
func Reconcile(wishes []Wish, pods []Pod, room Room) (actions []Action, short map[Key]int) {
	byDeployment := map[Key][]Pod{}
	starting := 0
	for _, p := range pods {
		if !p.Terminating {
			byDeployment[p.Deployment] = append(byDeployment[p.Deployment], p)
		}
		if p.Starting {
			starting++
		}
	}
	wished := map[Key]bool{}
	wishes = slices.SortedFunc(slices.Values(wishes), func(a, b Wish) int { return CompareKeys(a.Deployment, b.Deployment) })
	missing := make([]int, len(wishes))
	for i, w := range wishes {
		wished[w.Deployment] = true
		var stops []Action
		stops, missing[i] = w.reconcile(byDeployment[w.Deployment], pods)
		actions = append(actions, stops...)
	}
	for _, key := range Sorted(byDeployment) {
		if !wished[key] {
			actions = append(actions, stop(sortForStop(byDeployment[key]))...)
		}
	}
	granted := share(missing, room.Pods-len(pods))
	short = map[Key]int{}
	for i, w := range wishes {
		if n := missing[i] - granted[i]; n > 0 {
			short[w.Deployment] = n
		}
	}
	for i, n := range share(granted, room.Starting-starting) {
		for range n {
			actions = append(actions, Action{Create: &wishes[i]})
		}
	}
	return actions, short
}

// share deals n out, one to each in turn, until all have what they want.
func share(wants []int, n int) []int {
	out := make([]int, len(wants))
	for dealt := true; dealt; {
		dealt = false
		for i, want := range wants {
			if n > 0 && out[i] < want {
				out[i]++
				n--
				dealt = true
			}
		}
	}
	return out
}

// reconcile says which pods of a Deployment to stop, and how many to create.
func (w Wish) reconcile(live, all []Pod) (stops []Action, creates int) {
	if w.Blocked {
		return nil, 0
	}
	var current, old []Pod
	for _, p := range live {
		if p.Hash == w.Hash {
			current = append(current, p)
		} else {
			old = append(old, p)
		}
	}
	current, old = sortForStop(current), sortForStop(old)

	// Too many: those go first that are not ready, then the newest.
	if n := len(current) - w.Replicas; n > 0 {
		stops = append(stops, stop(current[:n])...)
		current = current[n:]
	}
	if w.Recreate && len(old) > 0 {
		return append(stops, stop(old)...), 0
	}
	ready, starting := 0, 0
	for _, p := range slices.Concat(current, old) {
		if p.Ready {
			ready++
		}
	}
	for _, p := range current {
		if !p.Ready {
			starting++
		}
	}
	// Old ones that are not ready may be about to be again: they go as far as
	// new ones stand in for them.
	broken := len(current) + len(old) - w.Replicas - starting
	left := len(old)
	for _, p := range old {
		switch {
		case !p.Ready && broken > 0:
			broken--
		case p.Ready && ready > w.Replicas:
			ready--
		default:
			continue
		}
		stops = append(stops, stop([]Pod{p})...)
		left--
	}
	if w.Recreate && slices.ContainsFunc(all, func(p Pod) bool {
		return p.Deployment == w.Deployment && p.Hash != w.Hash
	}) {
		return stops, 0 // some are still on their way out
	}
	room := w.Replicas - len(current)
	if left > 0 {
		room = min(room, w.Replicas+max(w.Surge, 1)-len(current)-left)
	}
	return stops, max(room, 0)
}

func stop(pods []Pod) []Action {
	actions := make([]Action, len(pods))
	for i := range pods {
		actions[i] = Action{Stop: &pods[i]}
	}
	return actions
}

// sortForStop puts those first that are missed least.
func sortForStop(pods []Pod) []Pod {
	return slices.SortedFunc(slices.Values(pods), func(a, b Pod) int {
		if a.Ready != b.Ready {
			if a.Ready {
				return 1
			}
			return -1
		}
		return cmp.Or(b.Created.Compare(a.Created), CompareKeys(a.Key, b.Key))
	})
}

// safe are the characters of generated names: none that reads like another,
// and no vowels, which make words.
const safe = "bcdfghjklmnpqrstvwxz2456789"

// TemplateHash names a pod template's content.
func TemplateHash(t *corev1.PodTemplateSpec) (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode pod template: %w", err)
	}
	sum := sha256.Sum256(data)
	return Letters(sum[:], 10), nil
}

// Letters writes the first n bytes as characters that may stand in a name.
func Letters(from []byte, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = safe[int(from[i])%len(safe)]
	}
	return string(out)
}
