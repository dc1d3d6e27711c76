package names

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/heddle-mesh/heddle/xds/admit"
)

// Server answers from the zone and hands every other question to the host's
// name servers.
type Server struct {
	upstream []string // host:port, in order; none: unknown names do not exist
	log      *slog.Logger
	zone     atomic.Pointer[Zone]
	asking   *admit.Gate // questions that wait for the host's name servers
}

// What pods may take of the node, all together and each: connections, and
// questions that wait for the host's name servers. Programs ask over UDP, and
// over TCP where an answer is long.
var (
	connections = admit.Limits{Total: 512, PerClient: 32}
	forwarded   = admit.Limits{Total: 512, PerClient: 128}
)

// NewServer makes a server that asks upstream for what is not the cluster's.
func NewServer(upstream []string, log *slog.Logger) *Server {
	s := &Server{upstream: upstream, log: log, asking: admit.NewGate(forwarded)}
	s.zone.Store(NewZone(nil, nil, nil))
	return s
}

// HostServers are the name servers that the host's resolv.conf names; none
// when it cannot be read.
func HostServers(path string) []string {
	config, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil
	}
	var out []string
	for _, s := range config.Servers {
		out = append(out, net.JoinHostPort(s, config.Port))
	}
	return out
}

// Set replaces the zone.
func (s *Server) Set(z *Zone) { s.zone.Store(z) }

// Serve answers on both sockets until ctx ends, and closes them.
func (s *Server) Serve(ctx context.Context, udp net.PacketConn, tcp net.Listener) {
	servers := []*dns.Server{
		{PacketConn: udp, Handler: s},
		{Listener: prompt{admit.Listener(tcp, connections)}, Handler: s, ReadTimeout: clientLimit, IdleTimeout: func() time.Duration { return clientLimit }},
	}
	var running sync.WaitGroup
	for _, server := range servers {
		running.Go(func() {
			if err := server.ActivateAndServe(); err != nil && ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				s.log.Error("names are not answered", "error", err)
			}
		})
	}
	<-ctx.Done()
	udp.Close()
	tcp.Close()
	running.Wait()
}

// clientLimit bounds the wait for a client over TCP: for its next question, and
// to take an answer.
const clientLimit = 5 * time.Second

// prompt accepts connections that end when their client does not take what is
// written.
type prompt struct{ net.Listener }

// Accept implements net.Listener.
func (p prompt) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return promptConn{c}, nil
}

type promptConn struct{ net.Conn }

// Write implements net.Conn.
func (c promptConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(clientLimit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	reply := s.reply(q, w.LocalAddr().Network(), admit.Client(w.RemoteAddr()))
	if w.LocalAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = max(size, int(o.UDPSize()))
		}
		reply.Truncate(size)
	}
	if err := w.WriteMsg(reply); err != nil {
		s.log.Debug("answer not delivered", "error", err)
	}
}

func (s *Server) reply(q *dns.Msg, network string, client netip.Addr) *dns.Msg {
	if len(q.Question) != 1 {
		return new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
	}
	question := q.Question[0]
	if !Owns(dns.CanonicalName(question.Name)) {
		return s.forward(q, network, client)
	}
	reply := new(dns.Msg).SetReply(q)
	reply.Authoritative, reply.RecursionAvailable = true, true
	var follow string
	reply.Answer, reply.Extra, reply.Rcode, follow = s.zone.Load().Answer(question)
	// Services answer in changing order, as clients tend to take the first.
	if question.Qtype == dns.TypeA {
		rand.Shuffle(len(reply.Answer), func(i, j int) {
			if reply.Answer[i].Header().Rrtype == dns.TypeA && reply.Answer[j].Header().Rrtype == dns.TypeA {
				reply.Answer[i], reply.Answer[j] = reply.Answer[j], reply.Answer[i]
			}
		})
	}
	if follow != "" {
		outside := s.forward(new(dns.Msg).SetQuestion(follow, question.Qtype), network, client)
		reply.Rcode = outside.Rcode
		reply.Answer = append(reply.Answer, outside.Answer...)
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: Domain, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
			Ns:  "ns.dns." + Domain, Mbox: "hostmaster." + Domain, Serial: 1, Refresh: 7200, Retry: 1800, Expire: 86400, Minttl: ttl,
		}}
	}
	return reply
}

// upstreamLimit bounds the wait for one of the host's name servers.
const upstreamLimit = 2 * time.Second

// forward asks the host's name servers. Who asks more than his part is told so
// at once: he would only wait for servers that do not answer him.
func (s *Server) forward(q *dns.Msg, network string, client netip.Addr) *dns.Msg {
	if !s.asking.Enter(client) {
		return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
	}
	defer s.asking.Leave(client)
	code := dns.RcodeNameError
	for _, server := range s.upstream {
		asker := &dns.Client{Net: network, Timeout: upstreamLimit}
		reply, _, err := asker.Exchange(q, server)
		if err == nil {
			return reply
		}
		code = dns.RcodeServerFailure
		s.log.Debug("name server of the host does not answer", "server", server, "error", err)
	}
	return new(dns.Msg).SetRcode(q, code)
}
