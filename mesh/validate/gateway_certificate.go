package validate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// expiringSoon is how long before its end a certificate is spoken of: those
// that are renewed by themselves are renewed earlier.
const expiringSoon = 14 * 24 * time.Hour

// Keys of certificates in Secrets: those of kubernetes.io/tls, and the older ones.
const (
	keyCA        = "ca.crt"
	keyOlderCA   = "cacert"
	keyOlderCert = "cert"
	keyOlderKey  = "key"
	// suffixCA ends the name of the Secret that holds the authority alone.
	suffixCA = "-cacert"
)

// gatewaysByCredential finds Gateways by each certificate that they show, a
// Secret or a file.
var gatewaysByCredential = &Lookup{
	Name: "gateways by certificate", Kinds: gateways,
	Values: func(_ mesh.Settings, o *mesh.Object) []string {
		var out []string
		for _, s := range spec[*networking.Gateway](o).GetServers() {
			for _, c := range certificatesShown(s.GetTls()) {
				out = append(out, c.id())
			}
		}
		return out
	},
}

// shown is a certificate that a server shows.
type shown struct {
	field      string // "credentialName" in the settings of TLS
	credential string // name of the Secret
	file       string // path in the pod, when there is no Secret
}

func (c shown) id() string {
	if c.credential != "" {
		return "secret " + c.credential
	}
	return "file " + c.file
}

func certificatesShown(t *networking.ServerTLSSettings) []shown {
	var out []shown
	add := func(field, credential string) {
		credential = strings.TrimPrefix(credential, "kubernetes://")
		if credential != "" && !strings.Contains(credential, "://") {
			out = append(out, shown{field: field, credential: credential})
		}
	}
	add("credentialName", t.GetCredentialName())
	for i, name := range t.GetCredentialNames() {
		add(fmt.Sprintf("credentialNames[%d]", i), name)
	}
	if len(out) == 0 && t.GetServerCertificate() != "" {
		out = append(out, shown{field: "serverCertificate", file: t.GetServerCertificate()})
	}
	return out
}

// sharedCertificates finds certificates that another Gateway shows too, for all
// pods that this one is for. Clients that keep a connection for several names of
// a certificate then reach the wrong one.
func sharedCertificates(x *Index, o *mesh.Object, _ Evidence) []Found {
	gateway := spec[*networking.Gateway](o)
	var f Found
	var others []*mesh.Object
	for i, s := range gateway.GetServers() {
		for _, c := range certificatesShown(s.GetTls()) {
			for _, other := range x.By(gatewaysByCredential, c.id()) {
				if len(others) == maxNamed {
					break
				}
				if other.Ref == o.Ref || slices.Contains(others, other) ||
					!carries(spec[*networking.Gateway](other).GetSelector(), gateway.GetSelector()) {
					continue
				}
				if f.Object == nil {
					f = found(o, fmt.Sprintf("spec.servers[%d].tls.%s", i, c.field), "certificate", c.credential+c.file)
				}
				others = append(others, other)
			}
		}
	}
	if f.Object == nil {
		return nil
	}
	f.Params["others"], f.Related = namesOf(others), refsOf(others)
	return []Found{f}
}

// credential is a Secret that a server of a Gateway names, in one of the
// namespaces that the Gateway's pods are in.
type credential struct {
	server    *networking.Server
	path      string
	name      string
	namespace string
	secret    *corev1.Secret // nil when there is none
	ref       mesh.Ref
}

// found is a finding about the credential.
func (c credential) found(o *mesh.Object, params ...string) Found {
	f := found(o, c.path, append([]string{"secret", c.name, "namespace", c.namespace}, params...)...)
	if c.secret != nil {
		f.Related = []mesh.Ref{c.ref}
	}
	return f
}

// credentialsOf are the credentials of a Gateway.
func credentialsOf(x *Index, o *mesh.Object) []credential {
	var namespaces []string
	for _, pod := range gatewayWorkloads(x, o) {
		if pod.Namespace != "" && !slices.Contains(namespaces, pod.Namespace) {
			namespaces = append(namespaces, pod.Namespace)
		}
	}
	var out []credential
	for i, s := range spec[*networking.Gateway](o).GetServers() {
		for _, shown := range certificatesShown(s.GetTls()) {
			if shown.credential == "" {
				continue
			}
			for _, ns := range namespaces {
				c := credential{server: s, path: fmt.Sprintf("spec.servers[%d].tls.%s", i, shown.field), name: shown.credential, namespace: ns}
				c.secret, c.ref = secretNamed(x, ns, shown.credential)
				out = append(out, c)
			}
		}
	}
	return out
}

func secretNamed(x *Index, namespace, name string) (*corev1.Secret, mesh.Ref) {
	ref := mesh.Ref{Kind: mesh.KindSecret, Namespace: namespace, Name: name}
	o, ok := x.Get(ref)
	if !ok {
		return nil, ref
	}
	return spec[*corev1.Secret](o), ref
}

// credentialsMissing finds Secrets that are not where the gateway's pods are.
func credentialsMissing(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range credentialsOf(x, o) {
		if c.secret == nil {
			out = append(out, c.found(o))
		}
	}
	return out
}

// value is what a Secret holds under a key.
func value(s *corev1.Secret, key string) []byte {
	if v := s.Data[key]; len(v) > 0 {
		return v
	}
	return []byte(s.StringData[key])
}

var (
	errNoCertificate = errors.New("tls.crt and tls.key are not both there")
	errNotPEM        = errors.New("it is not in PEM form")
)

// parts are the certificate and the key of a Secret as they are written; empty
// when not both are there.
func parts(s *corev1.Secret) (cert, key []byte) {
	for _, keys := range [][2]string{{keyOlderCert, keyOlderKey}, {corev1.TLSCertKey, corev1.TLSPrivateKeyKey}} {
		if cert, key = value(s, keys[0]), value(s, keys[1]); len(cert) > 0 && len(key) > 0 {
			return cert, key
		}
	}
	return nil, nil
}

// leafOf is the certificate of a Secret.
func leafOf(s *corev1.Secret) (*x509.Certificate, error) {
	cert, key := parts(s)
	if len(cert) == 0 {
		return nil, errNoCertificate
	}
	block, _ := pem.Decode(cert)
	if secret, _ := pem.Decode(key); block == nil || secret == nil {
		return nil, errNotPEM
	}
	return x509.ParseCertificate(block.Bytes)
}

// credentialsInvalid finds Secrets without a certificate that can be read.
func credentialsInvalid(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range credentialsOf(x, o) {
		if c.secret == nil {
			continue
		}
		if _, err := leafOf(c.secret); err != nil {
			out = append(out, c.found(o, "reason", strings.TrimPrefix(err.Error(), "x509: ")))
		}
	}
	return out
}

// keysOfAnother finds Secrets whose key does not belong to the certificate.
func keysOfAnother(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range credentialsOf(x, o) {
		if c.secret == nil {
			continue
		}
		if _, err := leafOf(c.secret); err != nil {
			continue
		}
		if _, err := tls.X509KeyPair(parts(c.secret)); err != nil {
			out = append(out, c.found(o))
		}
	}
	return out
}

// hostsNotCertified finds hosts of servers that none of the certificates is for.
func hostsNotCertified(x *Index, o *mesh.Object, _ Evidence) []Found {
	type place struct {
		server    *networking.Server
		namespace string
	}
	left := map[place][]string{}
	first := map[place]credential{}
	var order []place
	for _, c := range credentialsOf(x, o) {
		at := place{c.server, c.namespace}
		if _, ok := first[at]; !ok {
			first[at], order = c, append(order, at)
			for _, h := range c.server.GetHosts() {
				if _, host := serverHost(h); host != "*" {
					left[at] = append(left[at], host)
				}
			}
		}
		var leaf *x509.Certificate
		if c.secret != nil {
			leaf, _ = leafOf(c.secret)
		}
		if leaf == nil { // other codes tell of it
			delete(left, at)
			continue
		}
		left[at] = slices.DeleteFunc(left[at], func(host string) bool { return certified(leaf, host) })
	}
	var out []Found
	for _, at := range order {
		if hosts := left[at]; len(hosts) > 0 {
			out = append(out, first[at].found(o, "hosts", strings.Join(hosts, ", ")))
		}
	}
	return out
}

// certified reports whether a certificate is for a host; for a wildcard it must
// name it.
func certified(leaf *x509.Certificate, host string) bool {
	if strings.HasPrefix(host, "*") {
		return slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, host) })
	}
	return leaf.VerifyHostname(host) == nil
}

// credentialsEnded finds certificates that are not valid now.
func credentialsEnded(x *Index, o *mesh.Object, e Evidence) []Found {
	return byTime(x, o, func(leaf *x509.Certificate) bool { return e.Now.After(leaf.NotAfter) || e.Now.Before(leaf.NotBefore) })
}

// credentialsEnding finds certificates that end soon.
func credentialsEnding(x *Index, o *mesh.Object, e Evidence) []Found {
	return byTime(x, o, func(leaf *x509.Certificate) bool {
		left := leaf.NotAfter.Sub(e.Now)
		return left >= 0 && left < expiringSoon
	})
}

func byTime(x *Index, o *mesh.Object, bad func(*x509.Certificate) bool) []Found {
	const form = "2006-01-02 15:04 MST"
	var out []Found
	for _, c := range credentialsOf(x, o) {
		if c.secret == nil {
			continue
		}
		if leaf, err := leafOf(c.secret); err == nil && bad(leaf) {
			out = append(out, c.found(o, "start", leaf.NotBefore.UTC().Format(form), "end", leaf.NotAfter.UTC().Format(form)))
		}
	}
	return out
}

// authoritiesMissing finds servers that ask clients for certificates without
// having the authority to check them by.
func authoritiesMissing(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range credentialsOf(x, o) {
		t := c.server.GetTls()
		mutual := t.GetMode() == networking.ServerTLSSettings_MUTUAL || t.GetMode() == networking.ServerTLSSettings_OPTIONAL_MUTUAL
		if !mutual || c.secret == nil || t.GetCaCertificates() != "" {
			continue
		}
		name := c.name + suffixCA
		if other := t.GetCaCertCredentialName(); other != "" {
			name = other
		} else if hasAuthority(c.secret) {
			continue
		}
		if s, _ := secretNamed(x, c.namespace, name); s == nil || !hasAuthority(s) {
			out = append(out, c.found(o, "other", name))
		}
	}
	return out
}

func hasAuthority(s *corev1.Secret) bool {
	return len(value(s, keyCA)) > 0 || len(value(s, keyOlderCA)) > 0
}
