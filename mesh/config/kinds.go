package config

import (
	"cmp"
	"slices"
	"strings"

	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	networkingv1beta1 "istio.io/api/networking/v1beta1"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// KindInfo is how one kind is written and decoded.
type KindInfo struct {
	mesh.Kind
	Plural     string
	Short      []string // names that people type instead
	Versions   []string // served ones, the preferred first
	Namespaced bool
	// New makes an empty value of what mesh.Object.Spec holds: a proto message
	// for Istio kinds, else the API struct.
	New func() any
}

// APIVersion is the preferred version with its group, as documents write it.
func (k KindInfo) APIVersion() string {
	if k.Group == "" {
		return k.Versions[0]
	}
	return k.Group + "/" + k.Versions[0]
}

func of[T any]() any { return new(T) }

var (
	v1Only      = []string{"v1"}
	istioThree  = []string{"v1", "v1beta1", "v1alpha3"}
	v1AndBeta   = []string{"v1", "v1beta1"}
	v1AndAlpha  = []string{"v1", "v1alpha1"}
	v1AndAlpha2 = []string{"v1", "v1alpha2"}
)

// Kinds is every kind that the mesh is made of, ordered by group and name.
// Versions of one kind share their Go type: what older versions lack cannot be
// written wrongly in them.
var Kinds = []KindInfo{
	{mesh.KindConfigMap, "configmaps", []string{"cm"}, v1Only, true, of[corev1.ConfigMap]},
	{mesh.KindNamespace, "namespaces", []string{"ns"}, v1Only, false, of[corev1.Namespace]},
	{mesh.KindPod, "pods", []string{"po"}, v1Only, true, of[corev1.Pod]},
	{mesh.KindSecret, "secrets", nil, v1Only, true, of[corev1.Secret]},
	{mesh.KindService, "services", []string{"svc"}, v1Only, true, of[corev1.Service]},
	{mesh.KindServiceAccount, "serviceaccounts", []string{"sa"}, v1Only, true, of[corev1.ServiceAccount]},
	{mesh.KindDeployment, "deployments", []string{"deploy"}, v1Only, true, of[appsv1.Deployment]},
	{mesh.KindEndpointSlice, "endpointslices", nil, v1Only, true, of[discoveryv1.EndpointSlice]},

	{mesh.KindTrafficExtension, "trafficextensions", nil, []string{"v1alpha1"}, true, of[extensions.TrafficExtension]},
	{mesh.KindWasmPlugin, "wasmplugins", nil, []string{"v1alpha1"}, true, of[extensions.WasmPlugin]},

	{mesh.KindBackendTLSPolicy, "backendtlspolicies", []string{"btlspolicy"}, []string{"v1", "v1alpha3"}, true, of[gatewayv1.BackendTLSPolicy]},
	{mesh.KindGRPCRoute, "grpcroutes", nil, []string{"v1", "v1alpha2"}, true, of[gatewayv1.GRPCRoute]},
	{mesh.KindK8sGateway, "gateways", []string{"gtw"}, v1AndBeta, true, of[gatewayv1.Gateway]},
	{mesh.KindGatewayClass, "gatewayclasses", []string{"gc"}, v1AndBeta, false, of[gatewayv1.GatewayClass]},
	{mesh.KindHTTPRoute, "httproutes", nil, v1AndBeta, true, of[gatewayv1.HTTPRoute]},
	{mesh.KindListenerSet, "listenersets", []string{"lset"}, v1Only, true, of[gatewayv1.ListenerSet]},
	{mesh.KindReferenceGrant, "referencegrants", []string{"refgrant"}, []string{"v1", "v1beta1", "v1alpha2"}, true, of[gatewayv1.ReferenceGrant]},
	{mesh.KindTCPRoute, "tcproutes", nil, v1AndAlpha2, true, of[gatewayv1.TCPRoute]},
	{mesh.KindTLSRoute, "tlsroutes", nil, []string{"v1", "v1alpha3", "v1alpha2"}, true, of[gatewayv1.TLSRoute]},
	{mesh.KindUDPRoute, "udproutes", nil, v1AndAlpha2, true, of[gatewayv1.UDPRoute]},

	{mesh.KindDestinationRule, "destinationrules", []string{"dr"}, istioThree, true, of[networking.DestinationRule]},
	{mesh.KindEnvoyFilter, "envoyfilters", nil, []string{"v1alpha3"}, true, of[networking.EnvoyFilter]},
	{mesh.KindGateway, "gateways", []string{"gw"}, istioThree, true, of[networking.Gateway]},
	{mesh.KindProxyConfig, "proxyconfigs", nil, []string{"v1beta1"}, true, of[networkingv1beta1.ProxyConfig]},
	{mesh.KindServiceEntry, "serviceentries", []string{"se"}, istioThree, true, of[networking.ServiceEntry]},
	{mesh.KindSidecar, "sidecars", nil, istioThree, true, of[networking.Sidecar]},
	{mesh.KindVirtualService, "virtualservices", []string{"vs"}, istioThree, true, of[networking.VirtualService]},
	{mesh.KindWorkloadEntry, "workloadentries", []string{"we"}, istioThree, true, of[networking.WorkloadEntry]},
	{mesh.KindWorkloadGroup, "workloadgroups", []string{"wg"}, istioThree, true, of[networking.WorkloadGroup]},

	{mesh.KindAuthorizationPolicy, "authorizationpolicies", []string{"ap"}, v1AndBeta, true, of[security.AuthorizationPolicy]},
	{mesh.KindPeerAuthentication, "peerauthentications", []string{"pa"}, v1AndBeta, true, of[security.PeerAuthentication]},
	{mesh.KindRequestAuthentication, "requestauthentications", []string{"ra"}, v1AndBeta, true, of[security.RequestAuthentication]},

	{mesh.KindTelemetry, "telemetries", []string{"telemetry"}, v1AndAlpha, true, of[telemetry.Telemetry]},
}

// OtherKinds is every kind that the mesh has no use for and that checks look at
// all the same. Only Options.Checks reads them.
var OtherKinds = []KindInfo{
	//lint:ignore SA1019 old manifests still hold it
	{mesh.KindEndpoints, "endpoints", []string{"ep"}, v1Only, true, of[corev1.Endpoints]},
	{mesh.KindNode, "nodes", []string{"no"}, v1Only, false, of[corev1.Node]},
	{mesh.KindReplicationController, "replicationcontrollers", []string{"rc"}, v1Only, true, of[corev1.ReplicationController]},
	{mesh.KindMutatingWebhookConfiguration, "mutatingwebhookconfigurations", nil, v1Only, false, of[admissionv1.MutatingWebhookConfiguration]},
	{mesh.KindValidatingWebhookConfiguration, "validatingwebhookconfigurations", nil, v1Only, false, of[admissionv1.ValidatingWebhookConfiguration]},
	{mesh.KindCustomResourceDefinition, "customresourcedefinitions", []string{"crd"}, v1Only, false, of[CustomResourceDefinition]},
	{mesh.KindDaemonSet, "daemonsets", []string{"ds"}, v1Only, true, of[appsv1.DaemonSet]},
	{mesh.KindReplicaSet, "replicasets", []string{"rs"}, v1Only, true, of[appsv1.ReplicaSet]},
	{mesh.KindStatefulSet, "statefulsets", []string{"sts"}, v1Only, true, of[appsv1.StatefulSet]},
	{mesh.KindRollout, "rollouts", []string{"ro"}, []string{"v1alpha1"}, true, of[Rollout]},
	{mesh.KindHorizontalPodAutoscaler, "horizontalpodautoscalers", []string{"hpa"}, []string{"v2"}, true, of[autoscalingv2.HorizontalPodAutoscaler]},
	{mesh.KindCronJob, "cronjobs", []string{"cj"}, v1Only, true, of[batchv1.CronJob]},
	{mesh.KindJob, "jobs", nil, v1Only, true, of[batchv1.Job]},
	{mesh.KindIngress, "ingresses", []string{"ing"}, v1Only, true, of[networkingv1.Ingress]},
	{mesh.KindIngressClass, "ingressclasses", nil, v1Only, false, of[networkingv1.IngressClass]},
	{mesh.KindPodDisruptionBudget, "poddisruptionbudgets", []string{"pdb"}, v1Only, true, of[policyv1.PodDisruptionBudget]},
	{mesh.KindClusterRole, "clusterroles", nil, v1Only, false, of[rbacv1.ClusterRole]},
	{mesh.KindClusterRoleBinding, "clusterrolebindings", nil, v1Only, false, of[rbacv1.ClusterRoleBinding]},
	{mesh.KindRole, "roles", nil, v1Only, true, of[rbacv1.Role]},
	{mesh.KindRoleBinding, "rolebindings", nil, v1Only, true, of[rbacv1.RoleBinding]},
}

// Lookup finds a kind of the mesh by its group and name.
func Lookup(k mesh.Kind) (KindInfo, bool) {
	for _, info := range Kinds {
		if info.Kind == k {
			return info, true
		}
	}
	return KindInfo{}, false
}

// LookupOther finds a kind that only checks look at.
func LookupOther(k mesh.Kind) (KindInfo, bool) {
	for _, info := range OtherKinds {
		if info.Kind == k {
			return info, true
		}
	}
	return KindInfo{}, false
}

// other reports whether only checks look at a kind.
func (k KindInfo) other() bool {
	_, ok := LookupOther(k.Kind)
	return ok
}

// Find reads a kind as people type it: "VirtualService", "virtualservices",
// "vs", "gateways.networking.istio.io". Several kinds can share a word; the
// first result is the one meant by default, and Istio's come before those of
// the Gateway API, as with kubectl and Istio's own tools.
func Find(word string) []KindInfo {
	name, group, _ := strings.Cut(strings.ToLower(word), ".")
	var out []KindInfo
	for _, info := range Kinds {
		if group != "" && info.Group != group {
			continue
		}
		if name == strings.ToLower(info.Kind.Name) || name == info.Plural || slices.Contains(info.Short, name) {
			out = append(out, info)
		}
	}
	slices.SortStableFunc(out, func(a, b KindInfo) int {
		return cmp.Compare(rank(a.Group), rank(b.Group))
	})
	return out
}

func rank(group string) int {
	if group == mesh.GroupGatewayAPI {
		return 1
	}
	return 0
}
