package embedded

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// Who needs more says so by one number; until then it is told what is wrong.
func TestALargeScrapeIsToldOfUntilItIsAllowed(t *testing.T) {
	const allowed, series = 500, 3_000
	dial, _ := serve(t, func(w io.Writer) {
		b := bufio.NewWriter(w)
		defer b.Flush()
		for i := range series {
			fmt.Fprintf(b, "app_things{n=\"%d\"} 1\n", i)
		}
	})
	targets := []Target{{Namespace: "shop", Pod: "gateway", Dial: dial}}
	small, err := Open(Options{Dir: t.TempDir(), ScrapeInterval: 2 * time.Second, PodBytes: allowed * SeriesBytes / 2, leastSamples: allowed})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	if err := small.SetTargets(t.Context(), targets); err != nil {
		t.Fatal(err)
	}
	until(t, small, `up{pod="gateway"} == 0`)
	refusals := small.Refusals()
	if len(refusals) != 1 || refusals[0].Pod != "gateway" || refusals[0].Namespace != "shop" || !strings.Contains(refusals[0].Message, "one scrape of it brings more than 500 series") {
		t.Errorf("refusals: %+v", refusals)
	}
	if err := small.Close(); err != nil {
		t.Fatal(err)
	}
	large, err := Open(Options{Dir: t.TempDir(), ScrapeInterval: 2 * time.Second, PodBytes: series * SeriesBytes, leastSamples: allowed})
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.SetTargets(t.Context(), targets); err != nil {
		t.Fatal(err)
	}
	until(t, large, `up{pod="gateway"} == 1`)
	if got := large.Refusals(); len(got) != 0 {
		t.Errorf("refusals: %+v", got)
	}
	if n := large.db.Head().NumSeries(); n < series {
		t.Errorf("%d series", n)
	}
}
