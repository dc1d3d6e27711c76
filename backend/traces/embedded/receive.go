package embedded

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // exporters may compress
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// RegisterOTLP makes a gRPC server take OTLP traces
// (opentelemetry.proto.collector.trace.v1.TraceService). The server must use
// gRPC's own codec for it.
func (s *Server) RegisterOTLP(r grpc.ServiceRegistrar) {
	collectorv1.RegisterTraceServiceServer(r, &otlpService{server: s})
}

type otlpService struct {
	collectorv1.UnimplementedTraceServiceServer
	server *Server
}

// Export implements the trace service. The message is of the plain generated
// type, because pdata's own server can be registered at nothing but a
// *grpc.Server; it is written out once more for pdata to read.
func (o *otlpService) Export(_ context.Context, in *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	body, err := proto.Marshal(in)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalProto(body); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	answer, err := o.server.export(request)
	switch {
	case errors.Is(err, ErrTooMany):
		return nil, status.Error(codes.InvalidArgument, err.Error())
	case err != nil:
		// Internal is not to be sent again: the next try would come on top of
		// what made this one fail.
		return nil, status.Error(codes.Internal, err.Error())
	}
	out := &collectorv1.ExportTraceServiceResponse{}
	if p := answer.PartialSuccess(); p.RejectedSpans() > 0 {
		out.PartialSuccess = &collectorv1.ExportTracePartialSuccess{RejectedSpans: p.RejectedSpans(), ErrorMessage: p.ErrorMessage()}
	}
	return out, nil
}

// export takes a request and says what became of it as OTLP wants it said.
func (s *Server) export(r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	answer := ptraceotlp.NewExportResponse()
	dropped, err := s.Add(r.Traces())
	if err != nil {
		return answer, err
	}
	if dropped > 0 {
		answer.PartialSuccess().SetRejectedSpans(int64(dropped))
		answer.PartialSuccess().SetErrorMessage("spans without IDs, or beyond the bounds of a trace")
	}
	return answer, nil
}

// Handler takes OTLP over HTTP at /v1/traces: protobuf or JSON, plain or gzip.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", s.receive)
	return mux
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	// Browsers alone say where a page is from. Pages of others may reach this
	// port under a name of their own, and have no business here.
	if r.Header.Get("Origin") != "" {
		http.Error(w, "web pages may not send spans", http.StatusForbidden)
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && media != "application/x-protobuf" {
		http.Error(w, "send application/x-protobuf or application/json", http.StatusUnsupportedMediaType)
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		code := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) || errors.Is(err, errTooLarge) {
			code = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), code)
		return
	}
	request := ptraceotlp.NewExportRequest()
	if media == "application/json" {
		err = request.UnmarshalJSON(body)
	} else {
		err = request.UnmarshalProto(body)
	}
	if err != nil {
		http.Error(w, "not an OTLP trace request: "+err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := s.export(request)
	if err != nil {
		code := http.StatusInternalServerError
		if errors.Is(err, ErrTooMany) {
			code = http.StatusBadRequest
		}
		http.Error(w, err.Error(), code)
		return
	}
	var out []byte
	if media == "application/json" {
		out, err = answer.MarshalJSON()
	} else {
		out, err = answer.MarshalProto()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	if _, err := w.Write(out); err != nil {
		s.options.Log.Debug("the sender of spans left before the answer", "error", err)
	}
}

var errTooLarge = fmt.Errorf("the request is larger than %d bytes", maxRequestBytes)

// readBody reads and unpacks a request; the bound holds for what is unpacked too.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var reader io.Reader = http.MaxBytesReader(w, r.Body, maxRequestBytes)
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(reader)
		if err != nil {
			return nil, fmt.Errorf("unpack the request: %w", err)
		}
		reader = unzip
	default:
		return nil, fmt.Errorf("content encoding %q is not known: use gzip or none", encoding)
	}
	body, err := io.ReadAll(io.LimitReader(reader, maxRequestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxRequestBytes {
		return nil, errTooLarge
	}
	return body, nil
}
