package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the control plane of bookinfo may cost.
const (
	maxResident = 300 << 20 // bytes
	maxGrowth   = 15 << 20  // from half time to the end of ten minutes
	maxCPU      = 0.05      // of a core
	noise       = 8 << 20   // bytes that come and go
)

// sample is what the control plane has used.
type sample struct {
	resident int64
	cpu      time.Duration
}

// TestSoak watches the control plane at work: for a minute, or as long as
// HEDDLE_SOAK says.
func TestSoak(t *testing.T) {
	lasting := time.Minute
	if text := os.Getenv("HEDDLE_SOAK"); text != "" {
		var err error
		if lasting, err = time.ParseDuration(text); err != nil || lasting < 20*time.Second {
			t.Fatalf("HEDDLE_SOAK=%s is not a duration of at least 20s: %v", text, err)
		}
	}
	m := bookinfo(t).(*localMesh)
	podOf(t, m, "traffic-generator")
	settle(t, m)
	pid, err := m.find(Target{ControlPlane: true})
	if err != nil {
		t.Fatal(err)
	}

	var samples []sample
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	began := time.Now()
	for time.Since(began) < lasting {
		s, err := sampleOf(pid)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
		if len(samples)%60 == 0 {
			t.Logf("after %v: %d MB resident", time.Since(began).Round(time.Second), s.resident>>20)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	took := time.Since(began)
	last := samples[len(samples)-1]
	cpu := (last.cpu - samples[0].cpu).Seconds() / took.Seconds()
	var top int64
	for _, s := range samples {
		top = max(top, s.resident)
	}
	// Collections of garbage come and go: a tenth of the time is looked at each.
	n, tenth := len(samples), max(len(samples)/10, 1)
	half, end := meanResident(samples[n/2-tenth:n/2]), meanResident(samples[n-tenth:])
	t.Logf("%v: at most %.1f MB resident, %.1f MB at half time, %.1f MB at the end; %.2f %% of a core",
		took.Round(time.Second), megabytes(top), megabytes(half), megabytes(end), 100*cpu)

	// The bound belongs to five minutes; what a collection of garbage moves does
	// not depend on the time.
	allowed := min(int64(maxGrowth), noise+int64(float64(maxGrowth)*took.Minutes()/10))
	if top > maxResident {
		t.Errorf("%.1f MB were resident, want at most %.0f", megabytes(top), megabytes(maxResident))
	}
	if end-half > allowed {
		t.Errorf("it grew by %.1f MB, want at most %.1f", megabytes(end-half), megabytes(allowed))
	}
	if cpu > maxCPU {
		t.Errorf("it used %.2f %% of a core, want at most %.0f %%", 100*cpu, 100*maxCPU)
	}
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

func meanResident(samples []sample) int64 {
	var sum int64
	for _, s := range samples {
		sum += s.resident
	}
	return sum / int64(len(samples))
}

// clockTick is the unit of CPU time in /proc on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// sampleOf reads what a process uses from /proc.
func sampleOf(pid int) (sample, error) {
	var s sample
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	// The name in parentheses may hold anything; after it, in proc(5), comes
	// field 3. CPU time is 14 and 15, resident pages are 24.
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 22 {
		return s, fmt.Errorf("/proc/%d/stat holds %q", pid, stat)
	}
	var numbers [3]int64
	for i, field := range []int{14, 15, 24} {
		if numbers[i], err = strconv.ParseInt(fields[field-3], 10, 64); err != nil {
			return s, fmt.Errorf("field %d of /proc/%d/stat: %w", field, pid, err)
		}
	}
	s.cpu = time.Duration(numbers[0]+numbers[1]) * clockTick
	s.resident = numbers[2] * int64(os.Getpagesize())
	return s, nil
}
