package config

import (
	"encoding/json"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// goShape is the shape of a Go type in the JSON form of Kubernetes.
func goShape(t reflect.Type) shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return scalar(timestamp)
	case reflect.TypeFor[metav1.Duration](), reflect.TypeFor[gatewayv1.Duration]():
		return scalar(goDuration)
	case reflect.TypeFor[resource.Quantity]():
		return scalar(quantity)
	case reflect.TypeFor[intstr.IntOrString]():
		return scalar(intOrText)
	case reflect.TypeFor[runtime.RawExtension](), reflect.TypeFor[metav1.FieldsV1]():
		return scalar(anything)
	}
	switch t.Kind() {
	case reflect.Struct:
		if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			return scalar(anything)
		}
		return structShape(t)
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return scalar(bytes64)
		}
		return shape{kind: listKind, elem: func() shape { return goShape(t.Elem()) }}
	case reflect.Map:
		return shape{kind: dict, key: text, elem: func() shape { return goShape(t.Elem()) }}
	case reflect.String:
		return shape{kind: text, enum: enumOf(t), open: true}
	case reflect.Bool:
		return scalar(boolean)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return shape{kind: integer, bits: t.Bits()}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return shape{kind: integer, bits: t.Bits(), unsigned: true}
	case reflect.Float32, reflect.Float64:
		return scalar(number)
	default:
		return scalar(anything)
	}
}

func structShape(t reflect.Type) shape {
	return shape{
		kind: object,
		field: func(name string) (field, bool) {
			ft, ok := jsonField(t, name)
			if !ok {
				return field{}, false
			}
			return field{name: name, shape: goShape(ft)}, true
		},
		names: func() []string { return jsonNames(t) },
	}
}

// jsonTag is the name of a field in JSON; embedded says that its own fields
// stand in its place.
func jsonTag(f reflect.StructField) (name string, embedded bool) {
	tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if tag == "-" || !f.IsExported() {
		return "", false
	}
	if tag == "" && f.Anonymous {
		return "", true
	}
	if tag == "" {
		return f.Name, false
	}
	return tag, false
}

func jsonField(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, embedded := jsonTag(f)
		if tag == name && tag != "" {
			return f.Type, true
		}
		if embedded {
			et := f.Type
			if et.Kind() == reflect.Pointer {
				et = et.Elem()
			}
			if found, ok := jsonField(et, name); ok {
				return found, true
			}
		}
	}
	return nil, false
}

func jsonNames(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, embedded := jsonTag(f)
		switch {
		case tag != "":
			out = append(out, tag)
		case embedded:
			et := f.Type
			if et.Kind() == reflect.Pointer {
				et = et.Elem()
			}
			out = append(out, jsonNames(et)...)
		}
	}
	return out
}

// enumOf lists the words of types that are enumerations by their API but plain
// strings in Go.
func enumOf(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[corev1.Protocol]():
		return []string{"TCP", "UDP", "SCTP"}
	case reflect.TypeFor[corev1.ServiceType]():
		return []string{"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}
	case reflect.TypeFor[corev1.ServiceAffinity]():
		return []string{"None", "ClientIP"}
	case reflect.TypeFor[corev1.ServiceExternalTrafficPolicy](), reflect.TypeFor[corev1.ServiceInternalTrafficPolicy]():
		return []string{"Cluster", "Local"}
	case reflect.TypeFor[corev1.IPFamily]():
		return []string{"IPv4", "IPv6"}
	case reflect.TypeFor[corev1.IPFamilyPolicy]():
		return []string{"SingleStack", "PreferDualStack", "RequireDualStack"}
	case reflect.TypeFor[corev1.RestartPolicy]():
		return []string{"Always", "OnFailure", "Never"}
	case reflect.TypeFor[corev1.PullPolicy]():
		return []string{"Always", "IfNotPresent", "Never"}
	case reflect.TypeFor[corev1.URIScheme]():
		return []string{"HTTP", "HTTPS"}
	case reflect.TypeFor[corev1.DNSPolicy]():
		return []string{"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"}
	case reflect.TypeFor[corev1.ConditionStatus](), reflect.TypeFor[metav1.ConditionStatus]():
		return []string{"True", "False", "Unknown"}
	case reflect.TypeFor[discoveryv1.AddressType]():
		return []string{"IPv4", "IPv6", "FQDN"}
	case reflect.TypeFor[gatewayv1.PathMatchType]():
		return []string{"Exact", "PathPrefix", "RegularExpression"}
	case reflect.TypeFor[gatewayv1.HeaderMatchType](), reflect.TypeFor[gatewayv1.QueryParamMatchType](),
		reflect.TypeFor[gatewayv1.GRPCMethodMatchType](), reflect.TypeFor[gatewayv1.GRPCHeaderMatchType]():
		return []string{"Exact", "RegularExpression"}
	case reflect.TypeFor[gatewayv1.HTTPMethod]():
		return []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
	case reflect.TypeFor[gatewayv1.FromNamespaces]():
		return []string{"All", "Selector", "Same", "None"}
	case reflect.TypeFor[gatewayv1.TLSModeType]():
		return []string{"Terminate", "Passthrough"}
	case reflect.TypeFor[gatewayv1.HTTPPathModifierType]():
		return []string{"ReplaceFullPath", "ReplacePrefixMatch"}
	case reflect.TypeFor[gatewayv1.HTTPRouteFilterType]():
		return []string{
			"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect",
			"URLRewrite", "ExtensionRef", "CORS", "ExternalAuth",
		}
	case reflect.TypeFor[gatewayv1.GRPCRouteFilterType]():
		return []string{"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"}
	default:
		return nil
	}
}
