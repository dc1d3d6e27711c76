package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/prometheus/common/expfmt"
)

// Bounds of what an answer says besides values. The scraper has none for them,
// and remembers types and help texts over the next ten scrapes, failed ones
// included.
const (
	maxComments     = 2_000
	maxCommentBytes = 512
	maxHeaderBytes  = 64 << 10
)

// relayed is a connection that goes through relay: what a target answers is
// cut down before the scraper sees it, which itself takes no more than so many
// bytes.
func relayed(target net.Conn, maxBody int64) net.Conn {
	scraper, here := net.Pipe()
	go relay(here, target, maxBody)
	return tied{scraper, target}
}

// tied closes another connection along with its own, which may be waiting for
// an answer that never comes.
type tied struct {
	net.Conn
	other net.Conn
}

func (t tied) Close() error { return errors.Join(t.Conn.Close(), t.other.Close()) }

// relay passes on requests and answers, one after the other, until one of the
// two connections ends. All answers are made to be plain text: other forms
// cannot be cut down.
func relay(scraper, target net.Conn, maxBody int64) {
	defer scraper.Close()
	defer target.Close()
	limit := &io.LimitedReader{R: target}
	requests, answers := bufio.NewReader(scraper), bufio.NewReader(limit)
	for {
		req, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		req.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
		req.Header.Set("Accept-Encoding", "identity")
		if err := req.Write(target); err != nil {
			return
		}
		limit.N = maxHeaderBytes
		res, err := http.ReadResponse(answers, req)
		if err != nil {
			return
		}
		limit.N = 2 * maxBody // the scraper refuses it before
		body := res.Body
		res.Header = http.Header{"Content-Type": {string(expfmt.NewFormat(expfmt.TypeTextPlain))}}
		res.Body = io.NopCloser(&fewComments{text: bufio.NewReader(body), left: maxComments})
		res.ContentLength, res.TransferEncoding = -1, []string{"chunked"}
		// The pipe hands over each write by itself: few large ones cost less.
		gathered := bufio.NewWriterSize(scraper, 64<<10)
		err = errors.Join(res.Write(gathered), gathered.Flush())
		if err = errors.Join(err, body.Close()); err != nil || res.Close {
			return
		}
	}
}

// fewComments leaves out the comments of a text that are too many or too long.
type fewComments struct {
	text  *bufio.Reader
	left  int    // how many more are let through
	piece []byte // of a line, to be handed on
	err   error  // what comes after it

	inside, skip bool // the next piece belongs to a line that began before
}

// Read implements io.Reader.
func (f *fewComments) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(f.piece) == 0 {
			if f.err != nil {
				break
			}
			f.next()
			continue
		}
		copied := copy(p[n:], f.piece)
		f.piece = f.piece[copied:]
		n += copied
	}
	if n == 0 && len(p) > 0 {
		return 0, f.err
	}
	return n, nil
}

// next takes a line, or as much of it as there is room for.
func (f *fewComments) next() {
	piece, err := f.text.ReadSlice('\n')
	if !f.inside {
		comment := bytes.HasPrefix(bytes.TrimLeft(piece, " \t\r\v\f"), []byte("#"))
		f.skip = comment && (f.left == 0 || len(piece) > maxCommentBytes)
		if comment && !f.skip {
			f.left--
		}
	}
	f.inside = errors.Is(err, bufio.ErrBufferFull)
	if !f.inside {
		f.err = err
	}
	if !f.skip {
		f.piece = piece
	}
}
