package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// echoed is what an HTTP answer says about its request.
type echoed struct {
	Name    string      `json:"name"`
	Proto   string      `json:"proto"`
	Host    string      `json:"host"`
	Path    string      `json:"path"`
	Method  string      `json:"method"`
	Remote  string      `json:"remote"`
	Headers http.Header `json:"headers"`
}

// greeting is the first line of the protocol in which the server speaks first.
func greeting(name string) string { return "220 " + name + " ready\n" }

// closingAfter is so short that connections are closed while requests come.
const closingAfter = 10 * time.Millisecond

func serve(ctx context.Context, name, ports string) error {
	failed := make(chan error, 1)
	for _, entry := range strings.Split(ports, ",") {
		protocol, port, _ := strings.Cut(entry, "=")
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		var run func() error
		switch protocol {
		case "http":
			run = func() error { return serveHTTP(l, name, 0) }
		case "closing":
			run = func() error { return serveHTTP(l, name, closingAfter) }
		case "grpc":
			run = func() error { return serveGRPC(l, name) }
		case "tcp":
			run = func() error { return serveTCP(l, "") }
		case "first":
			run = func() error { return serveTCP(l, greeting(name)) }
		case "tls":
			config, err := selfSigned()
			if err != nil {
				return err
			}
			run = func() error { return serveHTTP(tls.NewListener(l, config), name, 0) }
		default:
			return fmt.Errorf("protocol %q unknown", protocol)
		}
		go func() { failed <- run() }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// serveHTTP answers HTTP/1.1 and h2c: any path echoes the request, /status/N
// answers N, /delay/D waits, /bytes/N sends N bytes. It closes connections that
// are idle for some time; 0 is never.
func serveHTTP(l net.Listener, name string, idle time.Duration) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil || code < 200 || code > 599 {
			code = http.StatusBadRequest
		}
		w.Header().Set("x-served-by", name)
		w.WriteHeader(code)
	})
	mux.HandleFunc("/delay/{d}", func(w http.ResponseWriter, r *http.Request) {
		d, _ := time.ParseDuration(r.PathValue("d"))
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
		fmt.Fprintln(w, name)
	})
	mux.HandleFunc("/bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		_, _ = w.Write(make([]byte, n))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("x-served-by", name)
		w.Header().Set("content-type", "application/json")
		_ = json.NewEncoder(w).Encode(echoed{
			Name: name, Proto: r.Proto, Host: r.Host, Path: r.URL.RequestURI(), Method: r.Method, Remote: r.RemoteAddr, Headers: r.Header,
		})
	})
	s := &http.Server{Handler: mux, Protocols: new(http.Protocols), IdleTimeout: idle}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s.Serve(l)
}

// The gRPC service: Echo answers a string, Chat answers each message of a
// stream, Fail answers the status code that the message names.
var echoService = grpc.ServiceDesc{
	ServiceName: "prober.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Echo", Handler: func(srv any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.StringValue)
			if err := dec(in); err != nil {
				return nil, err
			}
			return wrapperspb.String(fmt.Sprint(srv)), nil
		}},
		{MethodName: "Fail", Handler: func(_ any, _ context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.StringValue)
			if err := dec(in); err != nil {
				return nil, err
			}
			code, _ := strconv.Atoi(in.Value)
			return nil, status.Error(codes.Code(code), "as asked")
		}},
	},
	Streams: []grpc.StreamDesc{{
		StreamName: "Chat", ServerStreams: true, ClientStreams: true,
		Handler: func(srv any, s grpc.ServerStream) error {
			for {
				in := new(wrapperspb.StringValue)
				if err := s.RecvMsg(in); err != nil {
					if errors.Is(err, io.EOF) {
						return nil
					}
					return err
				}
				if err := s.SendMsg(wrapperspb.String(fmt.Sprint(srv))); err != nil {
					return err
				}
			}
		},
	}},
}

func serveGRPC(l net.Listener, name string) error {
	s := grpc.NewServer()
	s.RegisterService(&echoService, name)
	healthpb.RegisterHealthServer(s, health.NewServer())
	return s.Serve(l)
}

// serveTCP echoes every line, after its greeting.
func serveTCP(l net.Listener, hello string) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			if _, err := io.WriteString(c, hello); err != nil {
				return
			}
			_, _ = io.Copy(c, bufio.NewReader(c))
		}()
	}
}

func selfSigned() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "prober"}, DNSNames: []string{"prober.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}
