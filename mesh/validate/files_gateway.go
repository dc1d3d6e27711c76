package validate

import (
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// ingressGateway is the gateway that an installation brings along. Files hardly
// ever hold it, and most Gateways are for it.
const ingressGateway = `apiVersion: v1
kind: Pod
metadata:
  name: istio-ingressgateway
  namespace: ROOT
  labels: {app: istio-ingressgateway, istio: ingressgateway}
spec:
  containers: [{name: istio-proxy, image: auto}]
---
apiVersion: v1
kind: Service
metadata:
  name: istio-ingressgateway
  namespace: ROOT
spec:
  type: LoadBalancer
  selector: {istio: ingressgateway}
  ports:
    - {name: http2, port: 80}
    - {name: https, port: 443}
`

// defaultGateway is the gateway of an installation in the root namespace.
func defaultGateway(set mesh.Settings) []*mesh.Object {
	return config.Decode("", []byte(strings.ReplaceAll(ingressGateway, "ROOT", set.RootNamespace))).Objects
}
