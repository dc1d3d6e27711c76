package embedded

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/scrape"
)

// maxSocketPath is what the kernel takes for a unix socket's address.
const maxSocketPath = 107

// Target is one thing to scrape, over a unix socket or over TCP.
type Target struct {
	// UID of the pod, empty for anything else.
	UID string
	// Namespace and Pod become labels when not empty.
	Namespace string
	Pod       string
	// Job is the label job; "mesh" when empty.
	Job string
	// Socket is the path of a unix socket that speaks HTTP; it wins over Address.
	Socket string
	// Address is host:port for TCP. With a Socket it only names the instance.
	Address string
	// Path of the metrics: "/metrics" when empty.
	Path string
	// Labels are put on every series besides.
	Labels map[string]string
}

// labelSet is the target as Prometheus wants it.
func (t Target) labelSet() (model.LabelSet, error) {
	instance := cmp.Or(t.Address, t.Pod, t.UID)
	if instance == "" || t.Socket == "" && t.Address == "" {
		return nil, fmt.Errorf("scrape target %q has neither socket nor address", cmp.Or(t.Pod, t.Socket))
	}
	set := model.LabelSet{
		model.AddressLabel:     model.LabelValue(instance),
		model.InstanceLabel:    model.LabelValue(instance),
		model.MetricsPathLabel: model.LabelValue(cmp.Or(t.Path, "/metrics")),
	}
	if t.Socket != "" {
		if len(t.Socket) > maxSocketPath {
			return nil, fmt.Errorf("scrape target %q: the socket path %s is longer than %d bytes: use a state folder with a shorter path",
				t.Pod, t.Socket, maxSocketPath)
		}
		set[scrape.UnixSocketLabel] = model.LabelValue(t.Socket)
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
