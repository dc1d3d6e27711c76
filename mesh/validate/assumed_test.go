package validate

import (
	"slices"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

const gatewayOfInstallation = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: door}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 80, name: http, protocol: HTTP}
      hosts: [tea.example.com]
    - port: {number: 443, name: tls, protocol: TLS}
      tls: {mode: PASSTHROUGH}
      hosts: [tea.example.com]
`

// TestAssumed holds that a Gateway for the pods of an installation is fine in
// files that do not hold those pods.
func TestAssumed(t *testing.T) {
	in := mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: config.Decode("gateway.yaml", []byte(gatewayOfInstallation)).Objects}
	codes := func() []string {
		var out []string
		for _, f := range Run(mesh.Build(nil, in), Evidence{}, Options{}).Findings {
			out = append(out, f.Code)
		}
		return out
	}
	if got := codes(); !slices.Contains(got, "HDL2301") {
		t.Errorf("without the installation the selector must be told of, found %v", got)
	}
	in.Objects = append(in.Objects, Assumed(in.Settings)...)
	if got := codes(); len(got) > 0 {
		t.Errorf("found %v with the installation", got)
	}
}
