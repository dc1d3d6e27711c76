// Package embedded receives traces by OTLP, keeps them on disk within bounds,
// and serves them as a Jaeger query service (api_v2).
//
// A trace is one compressed blob; a small index beside it finds traces by
// service, operation, time, duration and error. Spans that arrive are gathered
// in memory for at most the flush interval and written together.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Options of a Server. Zero values stand for the defaults given.
type Options struct {
	// Dir is where the traces lie; made when it does not exist. Required.
	Dir string
	// MaxTraces bounds the number of traces: 50,000.
	MaxTraces int
	// MaxBytes bounds the data on disk: 256 MB. A write-ahead log of a few
	// megabytes comes on top.
	MaxBytes int64
	// Retention is the time after which a trace goes: 24 h.
	Retention time.Duration
	// FlushInterval is how long spans are gathered before they are written: 4 s,
	// in which most of a trace has come together. A kill loses at most that
	// much; a question sees everything.
	FlushInterval time.Duration
	// Log hears what goes wrong; nil is silence.
	Log *slog.Logger
}

// Bounds of what a single trace, request or answer may hold.
const (
	maxTraceSpans    = 5_000
	maxTraceBytes    = 4 << 20 // before compression
	maxPendingBytes  = 8 << 20 // gathered in memory before an early flush
	maxRequestSpans  = 10_000
	maxRequestBytes  = 8 << 20
	maxNames         = 20_000 // distinct service, operation and kind
	maxSearchDepth   = 500
	maxCandidates    = 5_000 // traces looked at for one search
	dependencyTraces = 2_000 // newest traces that dependencies are counted in
)

// Server receives, keeps and serves traces. It is safe for concurrent use.
type Server struct {
	options Options
	db      *database
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	inside  *pipe // to the query service within the process
	stop    context.CancelFunc
	stopped sync.WaitGroup

	mu      sync.Mutex // guards what follows, and serializes writing
	pending map[ptrace16]*piece
	bytes   int
	counts  Counts
	closed  bool
}

// ptrace16 is a trace's ID.
type ptrace16 = [16]byte

// ErrTooMany reports a request with more spans than are taken at once.
var ErrTooMany = errors.New("too many spans in one request")

// Counts say what became of the spans since Open.
type Counts struct {
	Received uint64 // spans taken, whatever became of them later
	Dropped  uint64 // spans refused, cut off by a bound, or lost to an error of the disk
}

// Open starts a Server on the traces in o.Dir. A file that cannot be read is
// moved aside, said in the log, and a new one begun: traces are not worth
// refusing to start for.
func Open(o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, errors.New("embedded traces: no data folder given")
	}
	if o.MaxTraces <= 0 {
		o.MaxTraces = 50_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.Retention <= 0 {
		o.Retention = 24 * time.Hour
	}
	if o.FlushInterval <= 0 {
		o.FlushInterval = 4 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(128<<10))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(2*maxTraceBytes))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	db, err := openDatabase(o.Dir, o.Log)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		options: o, db: db, encoder: encoder, decoder: decoder, stop: stop,
		inside: newPipe(), pending: map[ptrace16]*piece{},
	}
	s.stopped.Go(func() { s.run(ctx) })
	s.stopped.Go(func() {
		if err := s.ServeQuery(ctx, s.inside); err != nil {
			o.Log.Error("traces cannot be read within the process", "error", err)
		}
	})
	return s, nil
}

// run writes what was gathered, and throws out what is too old.
func (s *Server) run(ctx context.Context) {
	tick := time.NewTicker(s.options.FlushInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.Flush(); err != nil {
				s.options.Log.Error("traces could not be written", "error", err)
			}
		}
	}
}

// Counts are the figures since Open.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Add takes spans. What exceeds a bound is left out, and how many spans that
// were is returned; an error means that nothing was kept. It changes td.
func (s *Server) Add(td ptrace.Traces) (dropped int, err error) {
	spans := td.SpanCount()
	if spans == 0 {
		return 0, nil
	}
	if spans > maxRequestSpans {
		s.mu.Lock()
		s.counts.Dropped += uint64(spans)
		s.mu.Unlock()
		return spans, fmt.Errorf("%w: %d, at most %d are taken", ErrTooMany, spans, maxRequestSpans)
	}
	pieces, dropped, err := split(td)
	if err != nil {
		return spans, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return spans, errors.New("the trace store is closed")
	}
	for _, p := range pieces {
		have := s.pending[p.id]
		if have == nil {
			s.pending[p.id] = p
			s.bytes += len(p.body)
			continue
		}
		if len(have.body)+len(p.body) > maxTraceBytes || have.spans+p.spans > maxTraceSpans {
			dropped += p.spans
			continue
		}
		s.bytes += len(p.body)
		have.merge(p)
	}
	s.counts.Received += uint64(spans - dropped)
	s.counts.Dropped += uint64(dropped)
	if s.bytes > maxPendingBytes {
		if err := s.flush(); err != nil {
			return spans, err
		}
	}
	return dropped, nil
}

// Flush writes what was gathered, and brings the store back within its bounds.
func (s *Server) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flush()
}

// flush is Flush with the lock held. What could not be written is lost, so that
// a full disk does not fill the memory too.
func (s *Server) flush() error {
	if s.closed {
		return nil
	}
	pieces := s.pending
	s.pending, s.bytes = map[ptrace16]*piece{}, 0
	lost, err := s.db.write(pieces, s.pack, s.unpack, time.Now())
	s.counts.Dropped += uint64(lost)
	if err != nil {
		return err
	}
	return s.db.evict(s.options, time.Now())
}

func (s *Server) pack(body []byte) []byte { return s.encoder.EncodeAll(body, nil) }

func (s *Server) unpack(blob []byte) ([]byte, error) {
	body, err := s.decoder.DecodeAll(blob, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress a trace: %w", err)
	}
	return body, nil
}

// Close writes what was gathered and closes the files. It can be called again.
func (s *Server) Close() error {
	s.stop()
	s.stopped.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	err := s.flush()
	s.closed = true
	return errors.Join(err, s.db.close())
}
