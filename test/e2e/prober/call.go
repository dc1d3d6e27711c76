package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// answer is the outcome of one call.
type answer struct {
	Name    string      `json:"name"` // who answered
	Status  int         `json:"status,omitempty"`
	Proto   string      `json:"proto,omitempty"`
	Body    string      `json:"body,omitempty"`
	Headers http.Header `json:"headers,omitempty"`
	Peer    string      `json:"peer,omitempty"` // tls: common name of the server's certificate
	Millis  int64       `json:"millis"`
}

// session is one open connection on which messages are exchanged.
type session interface {
	// exchange sends one message and says who answered.
	exchange(ctx context.Context) (string, error)
	close()
}

func httpClient(protocol string) (*http.Client, string) {
	t := &http.Transport{
		Protocols: new(http.Protocols), MaxConnsPerHost: 1, DisableCompression: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the test looks at the certificate itself
	}
	scheme := "http://"
	switch protocol {
	case "h2c":
		t.Protocols.SetUnencryptedHTTP2(true)
	case "tls":
		scheme = "https://"
		t.Protocols.SetHTTP1(true)
	default:
		t.Protocols.SetHTTP1(true)
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, scheme
}

func call(ctx context.Context, protocol, to, path, header string, size int) (answer, error) {
	began := time.Now()
	var a answer
	var err error
	switch protocol {
	case "http1", "h2c", "tls":
		a, err = callHTTP(ctx, protocol, to, path, header)
	default:
		var s session
		if s, err = open(ctx, protocol, to, size); err == nil {
			defer s.close()
			a.Name, err = s.exchange(ctx)
		}
	}
	a.Millis = time.Since(began).Milliseconds()
	return a, err
}

func callHTTP(ctx context.Context, protocol, to, path, header string) (answer, error) {
	client, scheme := httpClient(protocol)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+to+path, nil)
	if err != nil {
		return answer{}, err
	}
	for line := range strings.Lines(header) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			return answer{}, fmt.Errorf("header %q is not name:value", line)
		}
		if strings.EqualFold(name, "host") {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a := answer{Status: resp.StatusCode, Proto: resp.Proto, Headers: resp.Header, Body: string(body), Name: resp.Header.Get("x-served-by")}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		a.Peer = resp.TLS.PeerCertificates[0].Subject.CommonName
	}
	return a, err
}

func open(ctx context.Context, protocol, to string, size int) (session, error) {
	switch protocol {
	case "http1", "h2c":
		client, scheme := httpClient(protocol)
		return &httpSession{client, scheme + to + "/"}, nil
	case "grpc":
		conn, err := grpc.NewClient("passthrough:///"+to, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(`{"methodConfig":[]}`))
		if err != nil {
			return nil, err
		}
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/prober.Echo/Chat")
		if err != nil {
			return nil, err
		}
		return &grpcSession{conn, stream}, nil
	case "tcp", "first":
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", to)
		if err != nil {
			return nil, err
		}
		s := &tcpSession{conn: c, r: bufio.NewReader(c), message: strings.Repeat("x", max(size-1, 4)) + "\n"}
		if protocol == "first" {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			line, err := s.r.ReadString('\n')
			if err != nil {
				c.Close()
				return nil, fmt.Errorf("read the greeting: %w", err)
			}
			s.hello = strings.TrimSpace(line)
		}
		return s, nil
	}
	return nil, fmt.Errorf("protocol %q unknown", protocol)
}

type httpSession struct {
	client *http.Client
	url    string
}

func (s *httpSession) exchange(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return "", err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var e echoed
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %s", resp.StatusCode, data)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return "", err
	}
	return e.Name, nil
}

func (s *httpSession) close() { s.client.CloseIdleConnections() }

type grpcSession struct {
	conn   *grpc.ClientConn
	stream grpc.ClientStream
}

func (s *grpcSession) exchange(context.Context) (string, error) {
	if err := s.stream.SendMsg(wrapperspb.String("hello")); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	out := new(wrapperspb.StringValue)
	if err := s.stream.RecvMsg(out); err != nil {
		return "", err
	}
	return out.Value, nil
}

// close ends the stream as a client does that heard everything: only then has
// it a status.
func (s *grpcSession) close() {
	if s.stream.CloseSend() == nil {
		_ = s.stream.RecvMsg(new(wrapperspb.StringValue))
	}
	s.conn.Close()
}

type tcpSession struct {
	conn           net.Conn
	r              *bufio.Reader
	message, hello string
}

func (s *tcpSession) exchange(ctx context.Context) (string, error) {
	deadline, _ := ctx.Deadline()
	_ = s.conn.SetDeadline(deadline)
	if _, err := io.WriteString(s.conn, s.message); err != nil {
		return "", err
	}
	line, err := s.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if line != s.message {
		return "", fmt.Errorf("got %q back", line)
	}
	return s.hello, nil
}

func (s *tcpSession) close() { s.conn.Close() }

// held says what became of one long connection.
type held struct {
	Exchanges int            `json:"exchanges"`
	Closed    int            `json:"closed"` // times the connection was lost and made anew
	Errors    []string       `json:"errors,omitempty"`
	Names     map[string]int `json:"names"`
	Sent      int            `json:"sent"` // bytes, TCP only
}

// hold exchanges messages on one connection; a lost one is counted and replaced.
// HTTP connections are watched by the number of dials. It ends in order when its
// time is over or ctx ends: what a signal stops has an outcome, too.
func hold(ctx context.Context, protocol, to string, lasting, every time.Duration, size int) (held, error) {
	h := held{Names: map[string]int{}}
	end, stop := context.WithTimeout(ctx, lasting)
	defer stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lasting+answerWithin)
	defer cancel()
	dials := 0
	s, err := open(ctx, protocol, to, size)
	if err != nil {
		return h, err
	}
	if hs, ok := s.(*httpSession); ok {
		var d net.Dialer
		hs.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			return d.DialContext(ctx, network, addr)
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for end.Err() == nil {
		name, err := s.exchange(ctx)
		if err == nil {
			h.Exchanges++
			h.Names[name]++
			if ts, ok := s.(*tcpSession); ok {
				h.Sent += len(ts.message)
			}
		} else {
			if len(h.Errors) < 10 {
				h.Errors = append(h.Errors, err.Error())
			}
			if _, isHTTP := s.(*httpSession); !isHTTP {
				s.close()
				h.Closed++
				if s, err = open(ctx, protocol, to, size); err != nil {
					return h, err
				}
			}
		}
		select {
		case <-tick.C:
		case <-end.Done():
		}
	}
	s.close()
	if dials > 1 {
		h.Closed += dials - 1
	}
	return h, nil
}

// loaded is the outcome of constant load.
type loaded struct {
	Sent   int            `json:"sent"`
	OK     int            `json:"ok"` // status below 400
	Codes  map[string]int `json:"codes"`
	Names  map[string]int `json:"names"` // answers by x-served-by
	Errors []string       `json:"errors,omitempty"`
}

// load sends requests at a constant rate, whether or not answers come (open
// loop), over up to 64 kept connections.
func load(ctx context.Context, url, header string, rate, count int, lasting time.Duration) (loaded, error) {
	l := loaded{Codes: map[string]int{}, Names: map[string]int{}}
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	name, value, hasHeader := strings.Cut(header, ":")
	for end := time.Now().Add(lasting); time.Now().Before(end) && (count == 0 || l.Sent < count); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return l, ctx.Err()
		}
		l.Sent++
		wg.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err == nil && hasHeader {
				req.Header.Set(name, value)
			}
			var resp *http.Response
			if err == nil {
				resp, err = client.Do(req)
			}
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				l.Codes["error"]++
				if len(l.Errors) < 10 {
					l.Errors = append(l.Errors, err.Error())
				}
				return
			}
			l.Codes[fmt.Sprint(resp.StatusCode)]++
			if resp.StatusCode < 400 {
				l.OK++
			} else if len(l.Errors) < 10 {
				l.Errors = append(l.Errors, fmt.Sprintf("%d from %q", resp.StatusCode, resp.Header.Get("server")))
			}
			l.Names[resp.Header.Get("x-served-by")]++
		})
	}
	wg.Wait()
	return l, nil
}
