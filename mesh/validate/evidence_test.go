package validate

import (
	"testing"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// writtenEvidence is Evidence as case files write it.
type writtenEvidence struct {
	Now   time.Time `yaml:"now"`
	Calls []struct {
		Source    string  `yaml:"source"` // "default/productpage-v1", a Deployment
		Host      string  `yaml:"host"`
		Port      uint32  `yaml:"port"`
		Protocol  string  `yaml:"protocol"`
		PerSecond float64 `yaml:"perSecond"`
		ErrorRate float64 `yaml:"errorRate"`
	} `yaml:"calls"`
	Changed      map[string]time.Time `yaml:"changed"` // by mesh.Ref.ID: "VirtualService.networking.istio.io/default/reviews"
	Certificates []struct {
		Workload  string    `yaml:"workload"`
		NotBefore time.Time `yaml:"notBefore"`
		NotAfter  time.Time `yaml:"notAfter"`
		Names     []string  `yaml:"names"`
	} `yaml:"certificates"`
}

func readEvidence(t *testing.T, file string, data []byte) Evidence {
	t.Helper()
	var w writtenEvidence
	if err := yaml.Unmarshal(data, &w); err != nil {
		t.Fatalf("%s: evidence.yaml: %v", file, err)
	}
	workload := func(text string) mesh.Ref {
		r, err := mesh.ParseID(mesh.KindDeployment.String() + "/" + text)
		if err != nil {
			t.Fatalf("%s: evidence.yaml: %q is not namespace/name", file, text)
		}
		return r
	}
	e := Evidence{Now: w.Now}
	for _, c := range w.Calls {
		e.Calls = append(e.Calls, Call{
			Source: workload(c.Source), Host: c.Host, Port: c.Port, Protocol: c.Protocol,
			PerSecond: c.PerSecond, ErrorRate: c.ErrorRate,
		})
	}
	for id, at := range w.Changed {
		r, err := mesh.ParseID(id)
		if err != nil {
			t.Fatalf("%s: evidence.yaml: %v", file, err)
		}
		if e.ChangedAt == nil {
			e.ChangedAt = map[mesh.Ref]time.Time{}
		}
		e.ChangedAt[r] = at
	}
	for _, c := range w.Certificates {
		e.Certificates = append(e.Certificates, Certificate{
			Workload: workload(c.Workload), NotBefore: c.NotBefore, NotAfter: c.NotAfter, Names: c.Names,
		})
	}
	return e
}
