package simulate

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/heddle-mesh/heddle/xds/names"
)

// ParseCall reads a call as people write it:
//
//	GET http://reviews:9080/reviews/0?full=1 end-user=jason user-agent="Mozilla 5"
//
// The scheme may be left out, and so may the port of the scheme. Port is the
// one in the host: the listener's.
func ParseCall(line string) (Call, error) {
	words, err := split(line)
	if err != nil {
		return Call{}, err
	}
	if len(words) < 2 {
		return Call{}, errors.New("a call is a method, a URL and headers: GET reviews:9080/ end-user=jason")
	}
	c, err := NewCall(words[0], words[1])
	if err != nil {
		return Call{}, err
	}
	for _, w := range words[2:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return Call{}, fmt.Errorf("%q is no header: write name=value", w)
		}
		c.Headers[strings.ToLower(name)] = value
	}
	return c, nil
}

// NewCall makes a call from a method and a URL, whose scheme may be left out.
func NewCall(method, target string) (Call, error) {
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	u, err := url.Parse(target)
	if err != nil {
		return Call{}, fmt.Errorf("read URL: %w", err)
	}
	if u.Host == "" {
		return Call{}, fmt.Errorf("URL %q has no host", target)
	}
	c := Call{Method: strings.ToUpper(method), Scheme: u.Scheme, Host: u.Host, Path: u.EscapedPath(), Headers: map[string]string{}}
	if c.Path == "" {
		c.Path = "/"
	}
	if u.RawQuery != "" {
		c.Path += "?" + u.RawQuery
	}
	switch {
	case u.Port() != "":
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return Call{}, fmt.Errorf("port %q is no port number", u.Port())
		}
		c.Port = uint32(port)
	case u.Scheme == "https":
		c.Port = 443
	default:
		c.Port = 80
	}
	return c, nil
}

// split cuts a line at spaces outside of double quotes.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, started = !quoted, true
		case r == ' ' && !quoted:
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted {
		return nil, errors.New("a quotation mark is not closed")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// String is the answer in one line: where the request goes, and what is done
// to it on the way.
func (a *Answer) String() string {
	var out []string
	if f := a.Fault; f != nil {
		if f.DelayPercent > 0 {
			out = append(out, fmt.Sprintf("delay %v for %s", f.Delay, percentText(f.DelayPercent)))
		}
		switch {
		case f.AbortPercent == 0:
		case f.AbortGRPC != nil:
			out = append(out, fmt.Sprintf("abort gRPC %d for %s", *f.AbortGRPC, percentText(f.AbortPercent)))
		default:
			out = append(out, fmt.Sprintf("abort %d for %s", f.AbortStatus, percentText(f.AbortPercent)))
		}
	}
	switch {
	case a.Failure != nil:
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s (%s)", a.Failure.Status, a.Failure.Flags, a.Failure.Reason)))
	case a.Redirect != nil:
		out = append(out, fmt.Sprintf("redirect %d %s", a.Redirect.Status, a.Redirect.Location))
	case a.Direct != nil:
		out = append(out, fmt.Sprintf("answer %d %q", a.Direct.Status, a.Direct.Body))
	default:
		out = append(out, a.forwarded()...)
	}
	out = append(out, a.RequestHeaders.text("request")...)
	out = append(out, a.ResponseHeaders.text("response")...)
	return strings.Join(out, ", ")
}

func (a *Answer) forwarded() []string {
	var to []string
	for _, s := range a.Clusters {
		text := clusterText(s)
		if len(a.Clusters) > 1 {
			text = percentText(s.Percent) + " " + text
		}
		if s.Host != "" {
			text += " as host " + s.Host
		}
		for _, h := range append(s.RequestHeaders.text("request"), s.ResponseHeaders.text("response")...) {
			text += " with " + h
		}
		to = append(to, text)
	}
	out := []string{strings.Join(to, " + ")}
	if a.Host != "" {
		out = append(out, "host "+a.Host)
	}
	if a.Path != "" {
		out = append(out, "path "+a.Path)
	}
	if a.Timeout > 0 {
		out = append(out, fmt.Sprintf("timeout %v", a.Timeout))
	}
	if r := a.Retries; r != nil {
		text := fmt.Sprintf("retries %d", r.Attempts)
		if r.PerTryTimeout > 0 {
			text += fmt.Sprintf(" of %v", r.PerTryTimeout)
		}
		out = append(out, text)
	}
	for _, m := range a.Mirrors {
		out = append(out, "mirror "+percentText(m.Percent)+" to "+clusterText(m))
	}
	return out
}

// percentText has one decimal at most; what is less than that is not told as 0.
func percentText(p float64) string {
	if p > 0 && p < 0.1 {
		return "<0.1%"
	}
	return strconv.FormatFloat(math.Round(p*10)/10, 'f', -1, 64) + "%"
}

// clusterText names a cluster by what it stands for.
func clusterText(s Share) string {
	text := s.Cluster
	if text == names.Passthrough {
		text = "out of the mesh, as dialled"
	}
	if c, ok := names.ParseCluster(s.Cluster); ok && c.Direction == names.Outbound {
		text = fmt.Sprintf("%s:%d", c.Host, c.Port)
		if c.Subset != "" {
			text += " subset " + c.Subset
		}
	}
	switch {
	case !s.Known:
		text += " (unknown to the proxy: 503 NC)"
	case s.Empty:
		text += " (no endpoint takes requests: 503 UH)"
	}
	return text
}

func (h Headers) text(of string) []string {
	var out []string
	for _, s := range h.Set {
		out = append(out, fmt.Sprintf("%s header %s: %s", of, s.Name, s.Value))
	}
	for _, a := range h.Add {
		out = append(out, fmt.Sprintf("%s header %s: + %s", of, a.Name, a.Value))
	}
	for _, r := range h.Remove {
		out = append(out, fmt.Sprintf("%s header %s removed", of, r))
	}
	return out
}
