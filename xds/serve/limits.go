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
// default.
type Limits struct {
	// RequestBytes is the largest request that is read. Default 4 MiB: the
	// names and versions of about 30,000 resources.
	RequestBytes int
	// RequestsPerSecond of one stream that are handled; more are not read, so
	// that they wait in the sender. Default 500, with a burst of 2,000.
	RequestsPerSecond float64
	// Names that one stream may subscribe to, and types. Default 50,000, 32.
	Names, Types int
	// NameBytes is the longest name. Default 1,024.
	NameBytes int
	// StreamsPerPod that are open at a time. Default 8.
	StreamsPerPod int
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
	or(&l.RequestBytes, 4<<20)
	or(&l.Names, 50_000)
	or(&l.Types, 32)
	or(&l.NameBytes, 1024)
	or(&l.StreamsPerPod, 8)
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
// pings, and TLS where Options.TLS says so.
func (s *Server) GRPCOptions() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.limits.RequestBytes),
		grpc.MaxSendMsgSize(64 << 20),
		grpc.MaxConcurrentStreams(32), // an agent needs fewer than ten
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

// clip cuts the words of a client to what is kept of them.
func clip(words string) string {
	if len(words) <= maxWords {
		return words
	}
	return strings.ToValidUTF8(words[:maxWords], "") + " ..."
}

// checkType refuses a type URL that would cost too much.
func (l Limits) checkType(typ string) error {
	if len(typ) > l.NameBytes {
		return status.Errorf(codes.InvalidArgument, "a type URL of %d bytes; at most %d are allowed", len(typ), l.NameBytes)
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
			if len(name) > l.NameBytes {
				return status.Errorf(codes.InvalidArgument, "a resource name of %d bytes; at most %d are allowed", len(name), l.NameBytes)
			}
		}
	}
	if held > l.Names {
		return status.Errorf(codes.ResourceExhausted, "more than %d resource names on one stream", l.Names)
	}
	return nil
}
