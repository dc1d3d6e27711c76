package agent

import (
	"bufio"
	"bytes"
	"io"
)

// envoyPrefix is what stock Envoy puts before every name; ours are the ones
// under which it keeps the mesh's own metrics.
const envoyPrefix = "envoy_"

// meshPrefixes lists the names whose prefix is cut off.
func meshPrefixes() [][]byte { return [][]byte{[]byte("envoy_istio_"), []byte("envoy_heddle_")} }

// unprefix copies metrics in Prometheus' text form and gives the mesh's metrics
// their proper names. Everything else, labels and order included, stays as it
// is. It holds one line at a time.
func unprefix(w io.Writer, r io.Reader) error {
	prefixes := meshPrefixes()
	in := bufio.NewReaderSize(r, 64<<10)
	fresh := true // at the start of a line
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			rest := line
			if fresh {
				var head []byte
				head, rest = cutPrefix(line, prefixes)
				if _, err := w.Write(head); err != nil {
					return err
				}
			}
			if _, err := w.Write(rest); err != nil {
				return err
			}
			fresh = line[len(line)-1] == '\n'
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			if !fresh {
				_, err := w.Write([]byte{'\n'})
				return err
			}
			return nil
		default:
			return err
		}
	}
}

// cutPrefix splits a line into what stands before the name and the name with
// what follows, without "envoy_" before a name of the mesh.
func cutPrefix(line []byte, prefixes [][]byte) (head, rest []byte) {
	at := 0
	for _, comment := range []string{"# TYPE ", "# HELP "} {
		if bytes.HasPrefix(line, []byte(comment)) {
			at = len(comment)
		}
	}
	for _, p := range prefixes {
		if bytes.HasPrefix(line[at:], p) {
			return line[:at], line[at+len(envoyPrefix):]
		}
	}
	return nil, line
}
