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

// ownPrefixes begin the names that only the mesh itself may report: an
// application that exposed such series could speak for its neighbours.
func ownPrefixes() [][]byte { return [][]byte{[]byte("istio_"), []byte("heddle_"), []byte("envoy_")} }

// foreign copies an application's metrics in Prometheus' text form without the
// series that have the mesh's own names. It holds one line at a time.
func foreign(w io.Writer, r io.Reader) error {
	own := ownPrefixes()
	in := bufio.NewReaderSize(r, 64<<10)
	fresh, dropped := true, false
	for {
		part, err := in.ReadSlice('\n')
		if len(part) > 0 {
			if fresh {
				dropped = hasName(part, own)
			}
			fresh = part[len(part)-1] == '\n'
			if !dropped {
				if _, err := w.Write(part); err != nil {
					return err
				}
			}
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			if !fresh && !dropped {
				_, err := w.Write([]byte{'\n'})
				return err
			}
			return nil
		default:
			return err
		}
	}
}

// hasName reports whether a line is about a metric whose name begins with one
// of the prefixes.
func hasName(line []byte, prefixes [][]byte) bool {
	for _, comment := range []string{"# TYPE ", "# HELP "} {
		line = bytes.TrimPrefix(line, []byte(comment))
	}
	line = bytes.TrimLeft(line, " \t")
	for _, p := range prefixes {
		if bytes.HasPrefix(line, p) {
			return true
		}
	}
	return false
}
