package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

func uid(s string) types.UID { return types.UID(s) }

// Node is the name of the one node.
const Node = "local"

// PodStatus is what is known about a pod besides Pod.
type PodStatus struct {
	Dir     string // the pod's folder, "" when it has no agent
	Status  sandbox.Status
	Running bool   // the sandbox stands and its containers were started
	Reason  string // why it does not run, "" when it does
	Message string
	HostIP  netip.Addr
	Deleted time.Time // when it was asked to stop
	Grace   time.Duration
}

// PodObject is the pod as the Kubernetes API has it.
func PodObject(p Pod, s PodStatus) *corev1.Pod {
	t := p.Template.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
	pod.Name, pod.Namespace, pod.UID = p.Name, p.Namespace, uid(p.UID)
	pod.GenerateName = p.Deployment.Name + "-" + p.Hash + "-"
	pod.CreationTimestamp = metav1.NewTime(p.Created.Truncate(time.Second))
	pod.Labels = p.Labels
	yes := true
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: p.Deployment.Name + "-" + p.Hash,
		UID: uid(UID("ReplicaSet", p.Deployment, p.Hash)), Controller: &yes, BlockOwnerDeletion: &yes,
	}}
	pod.Annotations = maps.Clone(pod.Annotations)
	delete(pod.Annotations, mesh.AnnotationPodFolder) // only the cluster says where that is
	if s.Status.Proxy != nil {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[mesh.AnnotationStatus] = `{"initContainers":null,"containers":["` + ProxyContainer + `"],"volumes":null,"imagePullSecrets":null,"revision":"default"}`
		if s.Dir != "" {
			pod.Annotations[mesh.AnnotationPodFolder] = s.Dir
		}
		if !slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == ProxyContainer }) {
			pod.Spec.Containers = append([]corev1.Container{{Name: ProxyContainer}}, pod.Spec.Containers...)
		}
	}
	pod.Spec.NodeName = Node
	pod.Spec.ServiceAccountName = cmp.Or(pod.Spec.ServiceAccountName, "default")
	if !s.Deleted.IsZero() {
		at, grace := metav1.NewTime(s.Deleted.Truncate(time.Second)), int64(s.Grace/time.Second)
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &at, &grace
	}
	pod.Status = podStatus(p, s)
	return pod
}

func podStatus(p Pod, s PodStatus) corev1.PodStatus {
	out := corev1.PodStatus{
		Phase: corev1.PodPending, Reason: s.Reason, Message: s.Message,
		HostIP: s.HostIP.String(), HostIPs: []corev1.HostIP{{IP: s.HostIP.String()}},
	}
	start := metav1.NewTime(p.Created.Truncate(time.Second))
	out.StartTime = &start
	if p.IP.IsValid() {
		out.PodIP, out.PodIPs = p.IP.String(), []corev1.PodIP{{IP: p.IP.String()}}
	}
	initialized, ready := s.Running, s.Running && s.Status.Ready()
	if s.Status.Proxy != nil {
		out.ContainerStatuses = append(out.ContainerStatuses, containerStatus(*s.Status.Proxy))
	}
	for _, c := range s.Status.Init {
		out.InitContainerStatuses = append(out.InitContainerStatuses, containerStatus(c))
		initialized = initialized && c.State == sandbox.Terminated
	}
	for _, c := range s.Status.Containers {
		out.ContainerStatuses = append(out.ContainerStatuses, containerStatus(c))
		if c.State != sandbox.Waiting || c.Restarts > 0 {
			out.Phase = corev1.PodRunning
		}
	}
	if s.Running && len(s.Status.Containers) == 0 {
		out.Phase = corev1.PodRunning
	}
	condition := func(kind corev1.PodConditionType, is bool) {
		status := corev1.ConditionFalse
		if is {
			status = corev1.ConditionTrue
		}
		out.Conditions = append(out.Conditions, corev1.PodCondition{Type: kind, Status: status})
	}
	condition(corev1.PodScheduled, true)
	condition(corev1.PodInitialized, initialized)
	condition(corev1.ContainersReady, ready)
	condition(corev1.PodReady, ready)
	return out
}

func containerStatus(c sandbox.ContainerStatus) corev1.ContainerStatus {
	out := corev1.ContainerStatus{Name: c.Name, Ready: c.Ready, RestartCount: int32(c.Restarts)}
	started := c.State == sandbox.Running
	out.Started = &started
	switch c.State {
	case sandbox.Running:
		out.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.Started.Truncate(time.Second))}
	case sandbox.Terminated:
		out.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: int32(c.ExitCode), Reason: c.Reason, Message: c.Message}
	default:
		out.State.Waiting = &corev1.ContainerStateWaiting{Reason: c.Reason, Message: c.Message}
	}
	return out
}

// UID is a lasting identifier of something that has none of its own.
func UID(kind string, k Key, more string) string {
	h := mesh.HashOf(kind, k.Namespace, k.Name, more)
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// DeploymentObject is the declared Deployment with its status.
func DeploymentObject(d *appsv1.Deployment, k Key, hash string, pods []Pod) *appsv1.Deployment {
	out := *d
	out.Name, out.Namespace = k.Name, k.Namespace
	out.UID = cmp.Or(out.UID, uid(UID("Deployment", k, "")))
	out.Status = appsv1.DeploymentStatus{}
	for _, p := range pods {
		if p.Deployment != k || p.Terminating {
			continue
		}
		out.Status.Replicas++
		if p.Ready {
			out.Status.ReadyReplicas++
			out.Status.AvailableReplicas++
		}
		if p.Hash == hash {
			out.Status.UpdatedReplicas++
		}
	}
	out.Status.UnavailableReplicas = max(int32(Replicas(d))-out.Status.AvailableReplicas, 0)
	return &out
}

// Replicas is how many pods a Deployment wants.
func Replicas(d *appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return max(int(*d.Spec.Replicas), 0)
}

// HostPort is a port of the host that leads to a service.
type HostPort struct {
	Service  Key    `json:"-"`
	Port     uint16 `json:"port"`     // of the service
	HostPort uint16 `json:"hostPort"` // of the host
	Open     bool   `json:"open"`
}

// ServiceObject is the declared Service as the cluster runs it.
func ServiceObject(svc *corev1.Service, k Key, address netip.Addr, ports []HostPort) *corev1.Service {
	out := svc.DeepCopy()
	out.Name, out.Namespace = k.Name, k.Namespace
	out.UID = cmp.Or(out.UID, uid(UID("Service", k, "")))
	out.Spec.Type = cmp.Or(out.Spec.Type, corev1.ServiceTypeClusterIP)
	for i := range out.Spec.Ports {
		p := &out.Spec.Ports[i]
		p.Protocol = cmp.Or(p.Protocol, corev1.ProtocolTCP)
		if p.TargetPort.StrVal == "" && p.TargetPort.IntVal == 0 {
			p.TargetPort.IntVal = p.Port
		}
	}
	if address.IsValid() {
		out.Spec.ClusterIP, out.Spec.ClusterIPs = address.String(), []string{address.String()}
	}
	out.Status = corev1.ServiceStatus{}
	var status []corev1.PortStatus
	for _, p := range ports {
		if p.Open {
			status = append(status, corev1.PortStatus{Port: int32(p.HostPort), Protocol: corev1.ProtocolTCP})
		}
	}
	if len(status) > 0 {
		out.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "127.0.0.1", Ports: status}}
	}
	return out
}
