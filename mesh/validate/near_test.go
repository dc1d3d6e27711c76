package validate

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNear(t *testing.T) {
	words := []string{"reviews", "ratings", "v1", "v2", "red"}
	for name, want := range map[string]string{
		"reviws": "reviews", "Reviews": "reviews", "rivewes": "", "ratigns": "ratings", "details": "",
		"v3": "", // like two
		"v":  "", "rad": "red", "": "", "blue": "",
	} {
		if got := near(name, words); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// A name with a letter wrong is put right by one click; what is like nothing, like
// two, or would only lead to the next mistake, is not. That the edits mend it and
// break nothing else is what TestFixes says.
func TestNearDestinations(t *testing.T) {
	c := readCase(t, "testdata/virtualservice/destination-near.txtar")
	got := map[string]string{}
	for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
		if f.Code != "HDL2101" && f.Code != "HDL2104" {
			continue
		}
		if (f.Params["near"] == "") != (len(f.Fix) == 0) {
			t.Errorf("%s %s: near %q, fix %v", f.Ref, f.Path, f.Params["near"], f.Fix)
		}
		if near := f.Params["near"]; near != "" {
			got[f.Ref.Name+" "+f.Path] = near
		}
	}
	want := map[string]string{
		"near spec.http[0].route[0].destination.host":   "weather",
		"near spec.http[1].route[0].destination.host":   "history.archive.svc.cluster.local",
		"near spec.http[2].route[0].destination.subset": "stable",
		"near spec.http[3].route[0].destination.subset": "canary",
	}
	if !maps.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestNearInjection(t *testing.T) {
	c := readCase(t, "testdata/injection/values.txtar")
	got := map[string]string{}
	for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
		if f.Code == "HDL2828" && len(f.Fix) > 0 {
			got[f.Ref.Name] = f.Params["near"]
		}
	}
	want := map[string]string{"short": "enabled", "misspelt": "enabled", "upper": "disabled", "yes": "enabled"}
	if !maps.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}
