package embedded

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// Help texts of failed scrapes are remembered by the scraper for many more: a
// pod must not fill the memory with them.
func TestHelpTextsDoNotFillTheMemory(t *testing.T) {
	long, n := strings.Repeat("x", 8<<20), 0
	dial, asked := serve(t, func(w io.Writer) {
		n++
		fmt.Fprintf(w, "# HELP m%d %s\n\t# HELP n%d %s\nm{broken\n", n, long, n, long)
	})
	s := open(t, t.TempDir())
	before := heap()
	if err := s.SetTargets(t.Context(), []Target{{Pod: "p", Dial: dial}}); err != nil {
		t.Fatal(err)
	}
	times(t, asked, 12)
	if after := heap(); after > before+64<<20 {
		t.Errorf("the heap grew by %d bytes", after-before)
	}
}

func TestCommentsAreCutDown(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	text := "# HELP a short\n# TYPE a counter\na 1\n#" + long + "\nb{l=\"" + long + "\"} 2\n \t# third\n# fourth\n\nc 3"
	want := "# HELP a short\n# TYPE a counter\na 1\nb{l=\"" + long + "\"} 2\n \t# third\n\nc 3"
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
		got, err := io.ReadAll(&fewComments{text: bufio.NewReader(r), left: 3})
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, want %d; %v", name, len(got), len(want), err)
		}
	}
}

// An answer in another form, or with endless headers, is a failed scrape; one
// that never comes holds nothing back.
func TestStrangeAnswersAreFailedScrapes(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes))
			fmt.Fprintln(w, "m 1")
		},
		"gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprintln(z, "m 1")
			_ = z.Close()
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.sock")
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{}, 1000)
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer(w, r)
				ended <- struct{}{}
			})}
			go func() { _ = server.Serve(l) }()
			defer server.Close()
			s := open(t, t.TempDir())
			dial := func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", path) }
			if err := s.SetTargets(t.Context(), []Target{{Pod: "p", Dial: dial}}); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				select {
				case <-ended:
				case <-time.After(20 * time.Second):
					t.Fatal("an answer does not end")
				}
			}
			until(t, s, `up == 0`)
		})
	}
}
