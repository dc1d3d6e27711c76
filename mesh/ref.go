package mesh

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind is a kind of object with its API group; versions of a kind are the same
// kind. The group of core Kubernetes kinds is empty.
type Kind struct {
	Group string `json:"group,omitempty"`
	Name  string `json:"kind"`
}

// String is "Name.group", or the name alone where the group is empty, as
// kubectl writes it.
func (k Kind) String() string {
	if k.Group == "" {
		return k.Name
	}
	return k.Name + "." + k.Group
}

// Compare orders kinds by name, then group.
func (k Kind) Compare(o Kind) int {
	return cmp.Or(cmp.Compare(k.Name, o.Name), cmp.Compare(k.Group, o.Group))
}

// Ref names one object. Namespace is empty for cluster-scoped kinds.
type Ref struct {
	Kind
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String is "Kind namespace/name", as people say it. The group is left out.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind.Name + " " + r.Name
	}
	return r.Kind.Name + " " + r.Namespace + "/" + r.Name
}

// ID is the complete form: "Kind.group/namespace/name".
func (r Ref) ID() string { return r.Kind.String() + "/" + r.Namespace + "/" + r.Name }

// ParseID reads what ID writes.
func ParseID(s string) (Ref, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" || parts[2] == "" {
		return Ref{}, fmt.Errorf("object id %q is not Kind.group/namespace/name", s)
	}
	kind, group, _ := strings.Cut(parts[0], ".")
	return Ref{Kind: Kind{Group: group, Name: kind}, Namespace: parts[1], Name: parts[2]}, nil
}

// Compare orders references by kind, namespace, name.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(r.Kind.Compare(o.Kind), cmp.Compare(r.Namespace, o.Namespace), cmp.Compare(r.Name, o.Name))
}

// CompareRefs is Ref.Compare as a function.
func CompareRefs(a, b Ref) int { return a.Compare(b) }

// Groups of the kinds that the mesh knows.
const (
	GroupCore       = ""
	GroupApps       = "apps"
	GroupDiscovery  = "discovery.k8s.io"
	GroupNetworking = "networking.istio.io"
	GroupSecurity   = "security.istio.io"
	GroupTelemetry  = "telemetry.istio.io"
	GroupExtensions = "extensions.istio.io"
	GroupGatewayAPI = "gateway.networking.k8s.io"
)

// Groups of the kinds that only checks look at.
const (
	GroupAdmission     = "admissionregistration.k8s.io"
	GroupAPIExtensions = "apiextensions.k8s.io"
	GroupArgo          = "argoproj.io"
	GroupAutoscaling   = "autoscaling"
	GroupBatch         = "batch"
	GroupK8sNetworking = "networking.k8s.io"
	GroupPolicy        = "policy"
	GroupRBAC          = "rbac.authorization.k8s.io"
)

// Kinds that code refers to by name. The complete table, with decoding, is in
// mesh/config.
var (
	KindNamespace      = Kind{GroupCore, "Namespace"}
	KindService        = Kind{GroupCore, "Service"}
	KindServiceAccount = Kind{GroupCore, "ServiceAccount"}
	KindConfigMap      = Kind{GroupCore, "ConfigMap"}
	KindSecret         = Kind{GroupCore, "Secret"}
	KindPod            = Kind{GroupCore, "Pod"}
	KindDeployment     = Kind{GroupApps, "Deployment"}
	KindEndpointSlice  = Kind{GroupDiscovery, "EndpointSlice"}

	KindVirtualService  = Kind{GroupNetworking, "VirtualService"}
	KindDestinationRule = Kind{GroupNetworking, "DestinationRule"}
	KindGateway         = Kind{GroupNetworking, "Gateway"}
	KindServiceEntry    = Kind{GroupNetworking, "ServiceEntry"}
	KindWorkloadEntry   = Kind{GroupNetworking, "WorkloadEntry"}
	KindWorkloadGroup   = Kind{GroupNetworking, "WorkloadGroup"}
	KindSidecar         = Kind{GroupNetworking, "Sidecar"}
	KindEnvoyFilter     = Kind{GroupNetworking, "EnvoyFilter"}
	KindProxyConfig     = Kind{GroupNetworking, "ProxyConfig"}

	KindPeerAuthentication    = Kind{GroupSecurity, "PeerAuthentication"}
	KindRequestAuthentication = Kind{GroupSecurity, "RequestAuthentication"}
	KindAuthorizationPolicy   = Kind{GroupSecurity, "AuthorizationPolicy"}
	KindTelemetry             = Kind{GroupTelemetry, "Telemetry"}
	KindWasmPlugin            = Kind{GroupExtensions, "WasmPlugin"}
	KindTrafficExtension      = Kind{GroupExtensions, "TrafficExtension"}

	KindGatewayClass     = Kind{GroupGatewayAPI, "GatewayClass"}
	KindK8sGateway       = Kind{GroupGatewayAPI, "Gateway"}
	KindHTTPRoute        = Kind{GroupGatewayAPI, "HTTPRoute"}
	KindGRPCRoute        = Kind{GroupGatewayAPI, "GRPCRoute"}
	KindTCPRoute         = Kind{GroupGatewayAPI, "TCPRoute"}
	KindTLSRoute         = Kind{GroupGatewayAPI, "TLSRoute"}
	KindUDPRoute         = Kind{GroupGatewayAPI, "UDPRoute"}
	KindListenerSet      = Kind{GroupGatewayAPI, "ListenerSet"}
	KindReferenceGrant   = Kind{GroupGatewayAPI, "ReferenceGrant"}
	KindBackendTLSPolicy = Kind{GroupGatewayAPI, "BackendTLSPolicy"}
)

// Kinds that the mesh itself has no use for, and that checks look at.
var (
	KindNode                  = Kind{GroupCore, "Node"}
	KindEndpoints             = Kind{GroupCore, "Endpoints"}
	KindReplicationController = Kind{GroupCore, "ReplicationController"}
	KindDaemonSet             = Kind{GroupApps, "DaemonSet"}
	KindReplicaSet            = Kind{GroupApps, "ReplicaSet"}
	KindStatefulSet           = Kind{GroupApps, "StatefulSet"}
	KindRollout               = Kind{GroupArgo, "Rollout"} // what Argo Rollouts has in place of Deployments
	KindCronJob               = Kind{GroupBatch, "CronJob"}
	KindJob                   = Kind{GroupBatch, "Job"}
	KindIngress               = Kind{GroupK8sNetworking, "Ingress"}
	KindIngressClass          = Kind{GroupK8sNetworking, "IngressClass"}

	KindMutatingWebhookConfiguration   = Kind{GroupAdmission, "MutatingWebhookConfiguration"}
	KindValidatingWebhookConfiguration = Kind{GroupAdmission, "ValidatingWebhookConfiguration"}
	KindCustomResourceDefinition       = Kind{GroupAPIExtensions, "CustomResourceDefinition"}

	KindHorizontalPodAutoscaler = Kind{GroupAutoscaling, "HorizontalPodAutoscaler"}
	KindPodDisruptionBudget     = Kind{GroupPolicy, "PodDisruptionBudget"}
	KindRole                    = Kind{GroupRBAC, "Role"}
	KindRoleBinding             = Kind{GroupRBAC, "RoleBinding"}
	KindClusterRole             = Kind{GroupRBAC, "ClusterRole"}
	KindClusterRoleBinding      = Kind{GroupRBAC, "ClusterRoleBinding"}
)
