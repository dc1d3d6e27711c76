package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestSettings(t *testing.T) {
	base := mesh.DefaultSettings()
	for _, c := range []struct {
		name, text string
		want       func(*mesh.Settings)
	}{
		{"nothing", "", func(*mesh.Settings) {}},
		{"names", "rootNamespace: mesh\ntrustDomain: corp.example", func(s *mesh.Settings) {
			s.RootNamespace, s.TrustDomain = "mesh", "corp.example"
		}},
		{"outside hosts", "outboundTrafficPolicy: {mode: REGISTRY_ONLY}", func(s *mesh.Settings) { s.OutboundAllowAny = false }},
		{"mutual TLS", "enableAutoMtls: false", func(s *mesh.Settings) { s.AutoMTLS = false }},
		{"capture alone", "defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}", func(*mesh.Settings) {}},
		{
			"addresses", "defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true', ISTIO_META_DNS_AUTO_ALLOCATE: 'true'}}",
			func(s *mesh.Settings) { s.AllocateAddresses = true },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, found := DecodeMeshConfig("mesh.yaml", []byte(c.text))
			for _, f := range found {
				t.Fatal(f.Message)
			}
			want := base
			c.want(&want)
			if diff := cmp.Diff(want, Settings(base, m)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
