package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestProbePorts(t *testing.T) {
	for _, port := range []int32{-1, 0, 1, 8080, 65535, 65536, 70000} {
		c := &corev1.Container{Name: "web", Ports: []corev1.ContainerPort{{Name: "named", ContainerPort: port}}}
		for name, h := range map[string]corev1.ProbeHandler{
			"grpc":  {GRPC: &corev1.GRPCAction{Port: port}},
			"tcp":   {TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}},
			"named": {HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("named")}},
		} {
			_, err := probe(&corev1.Probe{ProbeHandler: h}, c, "10.0.0.1", Options{}, "/")
			if good := port >= 1 && port <= 65535; (err == nil) != good {
				t.Errorf("%s port %d: %v", name, port, err)
			}
		}
	}
}
