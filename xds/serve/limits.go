package serve

import (
	"strings"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// Limits bound what one client may cost. The zero value of a field is its
// default. An agent has one connection, and on it Envoy's discovery stream, its
// own, and three or four short calls; for a moment twice that, when it comes
// back before its old connection is known to be gone.
type Limits struct {
	// RequestBytes is the largest request that is read. Default 2 MiB: the
	// names and versions of about 20,000 resources.
	RequestBytes int
	// RequestsPerSecond of one stream that are handled; more are not read, so
	// that they wait in the sender. Default 500, with a burst of 2,000.
	RequestsPerSecond float64
	// Names that one stream may subscribe to, and types. Default 30,000, 32.
	Names, Types int
	// NamesPerPod is how much memory, in bytes, the names may take that the
	// streams of a pod subscribe to or say they have. Default 16 MiB: about
	// 50,000 names.
	NamesPerPod int
	// NameBytes is the longest name. Default 1,024.
	NameBytes int
	// StreamsPerPod are the discovery streams that are open at a time. Default 4.
	StreamsPerPod int
	// CallsPerPod are the calls of all kinds that are open at a time. Default 12.
	CallsPerPod int
	// CertificateBurst certificates are signed for a pod at once, and then one
	// per CertificateEvery. Default 20 and 5 s.
	CertificateBurst int
	CertificateEvery time.Duration
	// SendTimeout is how long one response may wait for a client that does not
	// read. Default 20 s.
	SendTimeout time.Duration
	// AnswerTimeout is how long a client may leave a response unanswered
	// before its stream ends; it comes back and says what it has. Default 60 s.
	AnswerTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or(&l.RequestBytes, 2<<20)
	or(&l.Names, 30_000)
	or(&l.NamesPerPod, 16<<20)
	or(&l.Types, 32)
	or(&l.NameBytes, 1024)
	or(&l.StreamsPerPod, 4)
	or(&l.CallsPerPod, 12)
	or(&l.CertificateBurst, 20)
	if l.CertificateEvery == 0 {
		l.CertificateEvery = 5 * time.Second
	}
	if l.RequestsPerSecond == 0 {
		l.RequestsPerSecond = 500
	}
	if l.SendTimeout == 0 {
		l.SendTimeout = 20 * time.Second
	}
	if l.AnswerTimeout == 0 {
		l.AnswerTimeout = time.Minute
	}
	return l
}

func (l Limits) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(l.RequestsPerSecond), int(4*l.RequestsPerSecond))
}

// GRPCOptions are the options of the gRPC server that the Server is registered
// on: message limits, keepalive that finds dead peers and allows our agents'
// pings, what bounds the cost of a pod, and TLS where Options.TLS says so.
func (s *Server) GRPCOptions() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.limits.RequestBytes),
		grpc.MaxSendMsgSize(64 << 20),
		// A stream that ended counts until its client has read what it was sent.
		grpc.MaxConcurrentStreams(uint32(s.limits.CallsPerPod)),
		grpc.InTapHandle(s.tap),
		grpc.ForceServerCodecV2(newCodec(s.limits)),
		// What is not read yet waits in windows that do not grow.
		grpc.StaticStreamWindowSize(64 << 10),
		grpc.StaticConnWindowSize(256 << 10),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 15 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 2 * time.Second, PermitWithoutStream: true}),
	}
	if s.options.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.options.TLS)))
	}
	return options
}

// maxWords bounds what is kept and logged of a client's words on a rejection.
const maxWords = 4 << 10

// nameOverhead is what a name takes in the books of a stream besides itself.
const nameOverhead = 256

// costOf is what names take in the books of a stream.
func costOf(names []string) int {
	n := nameOverhead * len(names)
	for _, name := range names {
		n += len(name)
	}
	return n
}

func tooManyNames(l Limits) error {
	return status.Errorf(codes.ResourceExhausted, "the resource names that this pod asks for and says it has take more than %d bytes", l.NamesPerPod)
}

// maxHeard bounds in how much of a client's words names are looked for.
const maxHeard = 256 << 10

// clip cuts the words of a client to what is kept of them.
func clip(words string) string {
	if len(words) <= maxWords {
		return words
	}
	return strings.ToValidUTF8(words[:maxWords], "") + " ..."
}

// checkWord refuses a word of a client, such as a type URL, that would cost too
// much.
func (l Limits) checkWord(what, word string) error {
	if len(word) > l.NameBytes {
		return status.Errorf(codes.InvalidArgument, "a %s of %d bytes; at most %d are allowed", what, len(word), l.NameBytes)
	}
	return nil
}

// checkNames refuses a request that would cost too much. held is the number of
// names that the stream holds, types the number of its types.
func (l Limits) checkNames(held, types int, lists ...[]string) error {
	if types > l.Types {
		return status.Errorf(codes.ResourceExhausted, "more than %d resource types on one stream", l.Types)
	}
	for _, list := range lists {
		held += len(list)
		for _, name := range list {
			if err := l.checkWord("resource name", name); err != nil {
				return err
			}
		}
	}
	if held > l.Names {
		return status.Errorf(codes.ResourceExhausted, "more than %d resource names on one stream", l.Names)
	}
	return nil
}
