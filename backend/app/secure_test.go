package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const secret = "correct horse"

// certificate writes one of its own for an address, and gives what trusts it.
func certificate(t *testing.T, dir, address string) (cert, key string, trust *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(address)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "console.pem"), filepath.Join(dir, "console.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: text}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return cert, key, &tls.Config{RootCAs: pool}
}

// visitor comes to the console's port.
type visitor struct {
	t       *testing.T
	address string
	trust   *tls.Config // nil speaks plaintext
	headers map[string]string
}

// open starts a control plane with somebody who may sign in, on a port of its own.
func open(t *testing.T, set func(c *control)) (*control, string) {
	t.Helper()
	c := newControl(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.settings.Console = l.Addr().String()
	l.Close()
	set(c)
	c.start()
	t.Cleanup(c.stop)
	resp, err := c.http.Post("http://heddle/api/v1/users", "application/json", strings.NewReader(`{"name":"anna","role":"viewer","password":"`+secret+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatal(resp.Status)
	}
	c.until("the console's port is open", func() error {
		conn, err := net.Dial("tcp", c.settings.Console)
		if err == nil {
			conn.Close()
		}
		return err
	})
	return c, c.settings.Console
}

// signIn signs in from a page, and gives the answer with its cookies.
func (v visitor) signIn(origin string) *http.Response {
	v.t.Helper()
	scheme := "http://"
	if v.trust != nil {
		scheme = "https://"
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, scheme+v.address+"/api/v1/session", strings.NewReader(`{"username":"anna","password":"`+secret+`"}`))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	for name, value := range v.headers {
		r.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: v.trust, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// socket opens the live socket from a page, and gives the status of the answer.
func (v visitor) socket(origin string, cookie *http.Cookie) int {
	v.t.Helper()
	scheme := "ws://"
	if v.trust != nil {
		scheme = "wss://"
	}
	header := http.Header{"Origin": {origin}, "Cookie": {cookie.Name + "=" + cookie.Value}}
	for name, value := range v.headers {
		header.Set(name, value)
	}
	dialer := websocket.Dialer{TLSClientConfig: v.trust, HandshakeTimeout: deadline}
	conn, answer, err := dialer.DialContext(v.t.Context(), scheme+v.address+"/api/v1/live", header)
	if conn != nil {
		conn.Close()
	}
	if answer == nil {
		v.t.Fatal(err)
	}
	return answer.StatusCode
}

// With a certificate the console speaks TLS alone: its cookie goes over nothing
// else, and its pages are those of https.
func TestTheConsoleWithACertificate(t *testing.T) {
	var trust *tls.Config
	_, address := open(t, func(c *control) {
		c.settings.TLSCert, c.settings.TLSKey, trust = certificate(t, t.TempDir(), "127.0.0.1")
	})
	v := visitor{t: t, address: address, trust: trust}
	for _, origin := range []string{"http://" + address, "https://127.0.0.1:1", "https://example.org"} {
		if resp := v.signIn(origin); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) > 0 {
			t.Errorf("a page of %s signs in: %s", origin, resp.Status)
		}
	}
	resp := v.signIn("https://" + address)
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusOK || len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("%s, %v", resp.Status, resp.Header["Set-Cookie"])
	}
	for origin, want := range map[string]int{"https://" + address: http.StatusSwitchingProtocols, "http://" + address: http.StatusForbidden} {
		if got := v.socket(origin, cookies[0]); got != want {
			t.Errorf("a page of %s opens the live socket: %d, want %d", origin, got, want)
		}
	}
	plain := visitor{t: t, address: address}
	if resp := plain.signIn("http://" + address); resp.StatusCode != http.StatusBadRequest || len(resp.Cookies()) > 0 {
		t.Errorf("plaintext is answered: %s", resp.Status)
	}
}

// A proxy that is trusted says where people come from and how; anybody else who
// says so is not heard.
func TestTheConsoleBehindAProxy(t *testing.T) {
	said := map[string]string{"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "mesh.example.org"}
	for name, trusted := range map[string]string{"trusted": "127.0.0.1", "not trusted": ""} {
		t.Run(name, func(t *testing.T) {
			c, address := open(t, func(c *control) {
				c.settings.TrustedProxies, c.settings.ConsoleNames = trusted, "mesh.example.org"
			})
			v := visitor{t: t, address: address, headers: said}
			own, other, from := "https://mesh.example.org", "http://"+address, "192.0.2.7"
			if trusted == "" {
				own, other, from = other, own, "127.0.0.1"
			}
			if resp := v.signIn(other); resp.StatusCode != http.StatusForbidden {
				t.Errorf("a page of %s signs in: %s", other, resp.Status)
			}
			resp := v.signIn(own)
			cookies := resp.Cookies()
			if resp.StatusCode != http.StatusOK || len(cookies) != 1 || cookies[0].Secure != (trusted != "") {
				t.Fatalf("%s, %v", resp.Status, resp.Header["Set-Cookie"])
			}
			for origin, want := range map[string]int{own: http.StatusSwitchingProtocols, other: http.StatusForbidden} {
				if got := v.socket(origin, cookies[0]); got != want {
					t.Errorf("a page of %s opens the live socket: %d, want %d", origin, got, want)
				}
			}
			if text, err := c.get("/api/v1/audit?action=session.signIn"); err != nil || !strings.Contains(text, `"address":"`+from+`"`) {
				t.Errorf("the audit log has another address than %s: %s, %v", from, text, err)
			}
		})
	}
}
