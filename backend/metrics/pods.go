package metrics

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// podRequests counts what each pod's proxy carries, in either direction.
const podRequests = `sum by (namespace,pod) (rate(istio_requests_total{pod!=""}[%s]))`

// newestSample is how many seconds ago anything was scraped.
const newestSample = `time() - max(timestamp(up))`

// Pod names a pod.
type Pod struct{ Namespace, Name string }

// PodRequests are the requests per second that each pod's proxy carried in the
// window before at, coming in and going out.
func (c *Client) PodRequests(ctx context.Context, window time.Duration, at time.Time) (map[Pod]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rates := map[Pod]float64{}
	query := fmt.Sprintf(podRequests, strconv.FormatInt(window.Milliseconds(), 10)+"ms")
	err := c.each(ctx, query, at, func(m model.Metric, v float64) {
		rates[Pod{Namespace: string(m["namespace"]), Name: string(m["pod"])}] = v
	})
	if err != nil {
		return nil, fmt.Errorf("read the requests of pods: %w", err)
	}
	return rates, nil
}

// Age says how old the newest sample is; false where there is none. An error
// means that the server does not answer.
func (c *Client) Age(ctx context.Context, at time.Time) (age time.Duration, ok bool, err error) {
	err = c.each(ctx, newestSample, at, func(_ model.Metric, v float64) {
		age, ok = time.Duration(v*float64(time.Second)), true
	})
	return age, ok, err
}
