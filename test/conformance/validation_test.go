// Package conformance compares what Heddle says of objects with what a
// reference implementation says. The data is no part of the project: its folder
// comes from HEDDLE_CONFORMANCE, and without it nothing is compared.
package conformance

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// validationCase is one object with the verdict of the reference.
type validationCase struct {
	ID          string            `json:"id"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Spec        json.RawMessage   `json:"spec"`
	Valid       bool              `json:"valid"`
	Reason      string            `json:"reason"`
	Warning     string            `json:"warning"`
}

// otherVerdicts are the cases in which Heddle's verdict is another one, with the
// reason.
var otherVerdicts = map[string]string{
	"v168": "the case is a rule with an empty list, which its data cannot tell from a rule without the list; the latter is right",
	"v367": "the case is a list that holds nothing, which its data cannot tell from one that holds an empty selector; the latter is right",
	"v427": "the case uses a field that the version of the API in use does not have",
	"v031": "the warning is a check of its own, not one of validation",
}

func TestValidation(t *testing.T) {
	data := os.Getenv("HEDDLE_CONFORMANCE")
	if data == "" {
		t.Log("not present: HEDDLE_CONFORMANCE names no folder")
		return
	}
	cases := readCases[validationCase](t, filepath.Join(data, "validation", "cases.jsonl"))
	agree, all := map[string]int{}, map[string]int{}
	for _, c := range cases {
		all[c.Kind]++
		errors, warnings := verdict(t, c)
		same := (len(errors) == 0) == c.Valid && (len(warnings) > 0) == (c.Warning != "")
		_, listed := otherVerdicts[c.ID]
		switch {
		case same && listed:
			t.Errorf("%s: the verdicts agree; take it from the list of differences", c.ID)
		case !same && !listed:
			t.Errorf("%s %s: errors %v, warnings %v; the reference says valid %v (%s), warning %q", c.ID, c.Kind, errors, warnings, c.Valid, c.Reason, c.Warning)
		}
		if same {
			agree[c.Kind]++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		t.Logf("%s: %d of %d verdicts agree", kind, agree[kind], all[kind])
	}
	if len(otherVerdicts)*50 > len(cases) {
		t.Errorf("%d differences are more than 2 %% of %d cases", len(otherVerdicts), len(cases))
	}
}

// verdict checks the object of a case as it would be checked on its way in.
func verdict(t *testing.T, c validationCase) (errors, warnings []string) {
	t.Helper()
	i := slices.IndexFunc(config.Kinds, func(k config.KindInfo) bool {
		return k.Kind.Name == c.Kind && strings.HasSuffix(k.Group, ".istio.io")
	})
	if i < 0 {
		t.Fatalf("%s: unknown kind %s", c.ID, c.Kind)
	}
	spec, ok := config.Kinds[i].New().(proto.Message)
	if !ok {
		t.Fatalf("%s: %s is no message", c.ID, c.Kind)
	}
	if err := protojson.Unmarshal(c.Spec, spec); err != nil {
		return []string{err.Error()}, nil
	}
	o := &mesh.Object{
		Ref:    mesh.Ref{Kind: config.Kinds[i].Kind, Namespace: c.Namespace, Name: c.Name},
		Labels: c.Labels, Annotations: c.Annotations, Spec: spec,
	}
	for _, issue := range config.Check(o) {
		text := issue.Path.String() + ": " + issue.Message
		if issue.Severity == mesh.Warning {
			warnings = append(warnings, text)
		} else {
			errors = append(errors, text)
		}
	}
	return errors, warnings
}
