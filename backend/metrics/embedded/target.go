package embedded

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// Target is one thing to scrape.
type Target struct {
	// UID of the pod, empty for anything else. No two targets have the same UID,
	// namespace, pod and instance.
	UID string
	// Namespace and Pod become labels when not empty.
	Namespace string
	Pod       string
	// Job is the label job; "mesh" when empty.
	Job string
	// Instance is the label instance: the pod when empty.
	Instance string
	// Dial connects to the target, which speaks HTTP. Required.
	Dial func(context.Context) (net.Conn, error)
	// Path of the metrics: "/metrics" when empty.
	Path string
	// Labels are put on every series besides; none of them is one of the above.
	Labels map[string]string
	// Workload is the one whose traffic the target can tell of; what it says
	// about that of others is dropped. Nil lets it say anything.
	Workload *Workload
}

// owner is who the target's series belong to.
func (t Target) owner() owner {
	return owner{t.Namespace, t.Pod, cmp.Or(t.Job, job), t.instance()}
}

func (t Target) instance() string { return cmp.Or(t.Instance, t.Pod, t.UID) }

// host stands for the target in URLs, so that no two have connections in
// common. It is no name that could be looked up anywhere.
func (t Target) host() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{t.UID, t.Namespace, t.Pod, t.Instance}, "\x00")))
	return hex.EncodeToString(sum[:16]) + ".invalid"
}

// labelSet is the target as Prometheus wants it.
func (t Target) labelSet() (model.LabelSet, error) {
	instance := t.instance()
	if instance == "" || t.Dial == nil {
		return nil, fmt.Errorf("scrape target %q has no name, or no way to dial it", instance)
	}
	set := model.LabelSet{
		model.AddressLabel:     model.LabelValue(t.host()),
		model.InstanceLabel:    model.LabelValue(instance),
		model.MetricsPathLabel: model.LabelValue(cmp.Or(t.Path, "/metrics")),
	}
	for name, value := range map[model.LabelName]string{"namespace": t.Namespace, "pod": t.Pod, model.JobLabel: t.Job} {
		if value != "" {
			set[name] = model.LabelValue(value)
		}
	}
	// In order, so that of two bad labels the same one is named every time.
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		if !model.LegacyValidation.IsValidLabelName(name) {
			return nil, fmt.Errorf("scrape target %q: %q is not a label name", instance, name)
		}
		set[model.LabelName(name)] = model.LabelValue(t.Labels[name])
	}
	return set, nil
}

// labelCount is how many labels every series of the target has from us.
func (t Target) labelCount(set model.LabelSet) int {
	n := 0
	for name, value := range set {
		if !strings.HasPrefix(string(name), model.ReservedLabelPrefix) && value != "" {
			n++
		}
	}
	if t.Job == "" {
		n++ // the label job of the scrape configuration
	}
	return n
}
