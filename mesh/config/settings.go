package config

import (
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
)

// Settings are those of base with what a mesh configuration says instead. What
// the configuration leaves out stays as it is in base.
func Settings(base mesh.Settings, m *meshv1alpha1.MeshConfig) mesh.Settings {
	if v := m.GetRootNamespace(); v != "" {
		base.RootNamespace = v
	}
	if v := m.GetTrustDomain(); v != "" {
		base.TrustDomain = v
	}
	if v := m.GetOutboundTrafficPolicy(); v != nil {
		base.OutboundAllowAny = v.GetMode() == meshv1alpha1.MeshConfig_OutboundTrafficPolicy_ALLOW_ANY
	}
	if v := m.GetEnableAutoMtls(); v != nil {
		base.AutoMTLS = v.GetValue()
	}
	if told := m.GetDefaultConfig().GetProxyMetadata(); told["ISTIO_META_DNS_CAPTURE"] == "true" {
		base.AllocateAddresses = told["ISTIO_META_DNS_AUTO_ALLOCATE"] == "true" || told["PILOT_ENABLE_IP_AUTOALLOCATE"] == "true"
	}
	return base
}
