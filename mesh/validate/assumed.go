package validate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/mesh"
)

// SourceAssumed is the source of objects that nobody wrote.
const SourceAssumed = "assumed"

// Assumed are objects that files do not hold, since they come with an
// installation of the mesh: a pod and a Service of the default ingress gateway,
// for ports 80 and 443. Whoever looks at files alone adds them to what the files
// hold, where no object has the same reference, and shows no findings about them.
func Assumed(set mesh.Settings) []*mesh.Object {
	const name = "istio-ingressgateway"
	meta := metav1.ObjectMeta{Namespace: set.RootNamespace, Name: name, Labels: map[string]string{"app": name, "istio": "ingressgateway"}}
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{
		ServiceAccountName: name + "-service-account", Containers: []corev1.Container{{Name: proxyContainer}},
	}}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Selector: map[string]string{"istio": meta.Labels["istio"]},
		Ports: []corev1.ServicePort{
			{Name: "http2", Protocol: corev1.ProtocolTCP, Port: 80, TargetPort: intstr.FromInt32(80)},
			{Name: "https", Protocol: corev1.ProtocolTCP, Port: 443, TargetPort: intstr.FromInt32(443)},
		},
	}}
	assumed := func(kind mesh.Kind, spec any) *mesh.Object {
		ref := mesh.Ref{Kind: kind, Namespace: meta.Namespace, Name: meta.Name}
		return &mesh.Object{
			Ref: ref, APIVersion: "v1", Labels: meta.Labels, Spec: spec,
			Hash: mesh.HashOf(SourceAssumed, ref.ID()), Origin: mesh.Origin{Source: SourceAssumed},
		}
	}
	return []*mesh.Object{assumed(mesh.KindPod, pod), assumed(mesh.KindService, service)}
}
