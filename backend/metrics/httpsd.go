package metrics

import (
	"encoding/json"
	"fmt"
)

// ScrapePoint is where a Prometheus outside finds the metrics of one pod.
type ScrapePoint struct {
	Address string // host:port that the Prometheus can reach
	Path    string // path of the metrics there
	Scheme  string // http when empty
	Labels  map[string]string
}

// HTTPSD is the answer to Prometheus' HTTP service discovery, in the order of
// the list. An empty list is a valid answer.
func HTTPSD(list []ScrapePoint) ([]byte, error) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := make([]group, 0, len(list))
	for _, p := range list {
		labels := map[string]string{}
		for k, v := range p.Labels {
			labels[k] = v
		}
		labels["__metrics_path__"] = p.Path
		if p.Scheme != "" {
			labels["__scheme__"] = p.Scheme
		}
		groups = append(groups, group{Targets: []string{p.Address}, Labels: labels})
	}
	out, err := json.Marshal(groups)
	if err != nil {
		return nil, fmt.Errorf("write scrape targets: %w", err)
	}
	return out, nil
}
