package names

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

func testZone() *Zone {
	service := func(name, ip string) *corev1.Service {
		s := &corev1.Service{}
		s.Name, s.Namespace, s.Spec.ClusterIP = name, "default", ip
		s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
		return s
	}
	outside := service("outside", "")
	outside.Spec.Type, outside.Spec.ExternalName = corev1.ServiceTypeExternalName, "www.example.com"
	alias := service("alias", "")
	alias.Spec.Type, alias.Spec.ExternalName = corev1.ServiceTypeExternalName, "reviews.default.svc.cluster.local"
	yes, no, http, port, tcp := true, false, "http", int32(8080), corev1.ProtocolTCP
	headless := []*discoveryv1.EndpointSlice{{
		Ports: []discoveryv1.EndpointPort{{Name: &http, Port: &port, Protocol: &tcp}},
		Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.66.0.2"}, Conditions: discoveryv1.EndpointConditions{Ready: &yes}},
			{Addresses: []string{"10.66.0.3"}, Conditions: discoveryv1.EndpointConditions{Ready: &no}},
			{Addresses: []string{"10.66.0.4"}, Conditions: discoveryv1.EndpointConditions{Ready: &yes}},
		},
	}}
	return NewZone(
		[]*corev1.Service{service("reviews", "10.96.0.5"), service("db", "None"), outside, alias},
		func(s *corev1.Service) []*discoveryv1.EndpointSlice {
			if s.Name == "db" {
				return headless
			}
			return nil
		},
		[]Pod{
			{Namespace: "default", Name: "db-1", Address: netip.MustParseAddr("10.66.0.2")},
			{Namespace: "default", Name: "db-2", Hostname: "second", Subdomain: "db", Address: netip.MustParseAddr("10.66.0.4")},
		})
}

func TestAnswer(t *testing.T) {
	z := testZone()
	for _, tt := range []struct{ name, kind, want string }{
		{"reviews.default.svc.cluster.local.", "A", "NOERROR 10.96.0.5"},
		{"Reviews.Default.svc.cluster.local.", "A", "NOERROR 10.96.0.5"},
		{"reviews.default.svc.cluster.local.", "AAAA", "NOERROR"}, // not NXDOMAIN
		{"reviews.default.svc.cluster.local.", "TXT", "NOERROR"},
		{"default.svc.cluster.local.", "A", "NOERROR"}, // a name above others
		{"svc.cluster.local.", "A", "NOERROR"},
		{"cluster.local.", "A", "NOERROR"},
		{"nobody.default.svc.cluster.local.", "A", "NXDOMAIN"},
		{"nobody.default.svc.cluster.local.", "AAAA", "NXDOMAIN"},
		{"reviews.other.svc.cluster.local.", "A", "NXDOMAIN"},
		{"www.example.com.default.svc.cluster.local.", "A", "NXDOMAIN"}, // along the search list
		{"db.default.svc.cluster.local.", "A", "NOERROR 10.66.0.2 10.66.0.4"},
		{"db-1.db.default.svc.cluster.local.", "A", "NOERROR 10.66.0.2"},
		{"second.db.default.svc.cluster.local.", "A", "NOERROR 10.66.0.4"},
		{"_http._tcp.reviews.default.svc.cluster.local.", "SRV", "NOERROR reviews.default.svc.cluster.local.:80"},
		{"_http._tcp.db.default.svc.cluster.local.", "SRV", "NOERROR db-1.db.default.svc.cluster.local.:8080 second.db.default.svc.cluster.local.:8080"},
		{"10-66-0-2.default.pod.cluster.local.", "A", "NOERROR 10.66.0.2"},
		{"alias.default.svc.cluster.local.", "A", "NOERROR reviews.default.svc.cluster.local. 10.96.0.5"},
		{"outside.default.svc.cluster.local.", "A", "NOERROR www.example.com. → www.example.com."},
		{"host.heddle.internal.", "A", "NOERROR 192.0.2.1"},
		{"host.heddle.internal.", "AAAA", "NOERROR"},
		{"other.heddle.internal.", "A", "NXDOMAIN"},
	} {
		answers, _, code, follow := z.Answer(dns.Question{Name: tt.name, Qtype: dns.StringToType[tt.kind], Qclass: dns.ClassINET})
		got := dns.RcodeToString[code]
		for _, rr := range answers {
			switch rr := rr.(type) {
			case *dns.A:
				got += " " + rr.A.String()
			case *dns.CNAME:
				got += " " + rr.Target
			case *dns.SRV:
				got += " " + rr.Target + ":" + itoa(rr.Port)
			}
		}
		if follow != "" {
			got += " → " + follow
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s %s: %s", tt.kind, tt.name, d)
		}
	}
}

func itoa(n uint16) string {
	if n == 0 {
		return ""
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// serve runs a server on loopback sockets.
func serve(t *testing.T, s dns.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if own, ok := s.(*Server); ok {
		done := make(chan struct{})
		go func() { own.Serve(t.Context(), p, l); close(done) }()
		t.Cleanup(func() { <-done })
		return l.Addr().String()
	}
	udp, tcp := &dns.Server{PacketConn: p, Handler: s}, &dns.Server{Listener: l, Handler: s}
	go udp.ActivateAndServe()
	go tcp.ActivateAndServe()
	t.Cleanup(func() { p.Close(); l.Close() })
	return l.Addr().String()
}

func TestServer(t *testing.T) {
	upstream := serve(t, dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		rr, err := dns.NewRR(q.Question[0].Name + " 60 IN A 198.51.100.7")
		if err == nil {
			reply.Answer = append(reply.Answer, rr)
		}
		w.WriteMsg(reply)
	}))
	s := NewServer([]string{upstream}, slog.New(slog.DiscardHandler))
	s.Set(testZone())
	address := serve(t, s)
	for _, network := range []string{"udp", "tcp"} {
		for name, want := range map[string]string{
			"reviews.default.svc.cluster.local.": "10.96.0.5",
			"www.example.org.":                   "198.51.100.7",
			"outside.default.svc.cluster.local.": "198.51.100.7",
		} {
			client := &dns.Client{Net: network}
			reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), address)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(reply.Answer, func(rr dns.RR) bool { return strings.HasSuffix(rr.String(), want) }) {
				t.Errorf("%s over %s: %v", name, network, reply)
			}
		}
	}
	alone := NewServer(nil, slog.New(slog.DiscardHandler))
	reply := alone.reply(new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA), "udp", netip.MustParseAddr("10.66.0.9"))
	if reply.Rcode != dns.RcodeNameError {
		t.Errorf("without a name server of the host: %v", reply)
	}
}

// One client holds no more connections than its part, and what it sends to name
// servers that do not answer is bounded, too; the cluster's own names go on.
func TestOneClientIsBounded(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := NewServer([]string{silent.LocalAddr().String()}, slog.New(slog.DiscardHandler))
	s.Set(testZone())
	address := serve(t, s)
	held := 0
	for ; held < 10*connections.PerClient; held++ {
		c, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.ECONNRESET) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if held > connections.PerClient {
		t.Errorf("one client holds %d connections", held)
	}

	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn := &dns.Conn{Conn: c}
	if err := conn.SetDeadline(time.Now().Add(upstreamLimit / 2)); err != nil {
		t.Fatal(err)
	}
	for range forwarded.PerClient + 1 {
		if err := conn.WriteMsg(new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := conn.ReadMsg(); err != nil || reply.Rcode != dns.RcodeServerFailure {
		t.Errorf("one question too many: %v, %v", reply, err)
	}
	if err := conn.WriteMsg(new(dns.Msg).SetQuestion("reviews.default.svc.cluster.local.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.ReadMsg(); err != nil || len(reply.Answer) != 1 {
		t.Errorf("a name of the cluster: %v, %v", reply, err)
	}
}
