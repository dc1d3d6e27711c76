package metrics_test

import (
	"net"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/metrics"
)

func TestRequestsOfPodsAndTheNewestSample(t *testing.T) {
	c := serveMesh(t, 30)
	rates, err := c.PodRequests(t.Context(), 2*time.Second, time.Now())
	if err != nil || len(rates) != 1 {
		t.Fatalf("%v, %v", rates, err)
	}
	near(t, "requests of the pod", rates[metrics.Pod{Name: "p"}], 20)
	age, ok, err := c.Age(t.Context(), time.Now())
	if err != nil || !ok || age < 0 || age > 5*time.Second {
		t.Errorf("newest sample: %v, %v, %v", age, ok, err)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	away, err := metrics.Open("http://" + gone.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := away.Age(t.Context(), time.Now()); err == nil {
		t.Error("a server that is away has samples")
	}
}
