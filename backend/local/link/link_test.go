package link

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

type text struct {
	Text string `json:"text"`
}

// connect serves h at the other end of a link, passing on what is for "next".
func connect(t *testing.T, h Handler) *Link {
	t.Helper()
	near, far, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	other, err := From(far)
	if err != nil {
		t.Fatal(err)
	}
	nextNear, nextFar, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	next, err := From(nextFar)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); nextNear.Close() })
	serve := func(l *Link, pass *Link) {
		defer l.Close()
		for {
			to, f, err := l.Accept()
			if err != nil {
				return
			}
			if to == "next" && pass != nil {
				pass.Pass("", f)
				f.Close()
				continue
			}
			go Serve(f, h)
		}
	}
	go serve(other, nextNear)
	go serve(next, nil)
	return near
}

func TestCall(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	l := connect(t, func(r *Request) (any, []*os.File, error) {
		var in text
		if err := r.Decode(&in); err != nil {
			return nil, nil, err
		}
		if r.Op == "fail" {
			return nil, nil, errors.New("no such luck")
		}
		return text{in.Text + "!"}, nil, nil
	})
	for _, to := range []string{"", "next"} {
		var out text
		if _, err := l.Call(to, "say", text{big}, &out); err != nil || out.Text != big+"!" {
			t.Errorf("call to %q: %d bytes, %v", to, len(out.Text), err)
		}
	}
	if _, err := l.Call("", "fail", text{}, nil); err == nil || err.Error() != "no such luck" {
		t.Errorf("error %v", err)
	}
}

func TestFilesTravelBothWays(t *testing.T) {
	l := connect(t, func(r *Request) (any, []*os.File, error) {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, nil, err
		}
		go func() {
			defer write.Close()
			io.WriteString(write, "back")
		}()
		if _, err := io.WriteString(r.Files[0], "there"); err != nil {
			return nil, nil, err
		}
		return nil, []*os.File{read}, nil
	})
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	files, err := l.Call("next", "files", nil, nil, write)
	write.Close()
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	defer CloseAll(files)
	for want, f := range map[string]*os.File{"there": read, "back": files[0]} {
		if got, err := io.ReadAll(f); err != nil || string(got) != want {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
}

func TestStreamUntilTheCallerGoes(t *testing.T) {
	ended := make(chan struct{})
	l := connect(t, func(r *Request) (any, []*os.File, error) {
		defer close(ended)
		for _, word := range []string{"one", "two"} {
			if err := r.Answer(text{word}); err != nil {
				return nil, nil, err
			}
		}
		<-r.Gone()
		return nil, nil, nil
	})
	c, err := l.Open("", "watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		var got text
		if _, err := c.Answer(&got); err != nil || got.Text != want {
			t.Errorf("got %q, %v; want %q", got.Text, err, want)
		}
	}
	c.Close()
	<-ended
}

func TestEndOfTheOtherProcess(t *testing.T) {
	near, far, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	far.Close()
	if _, _, err := near.Accept(); !errors.Is(err, io.EOF) {
		t.Errorf("accept: %v", err)
	}
	if _, err := near.Call("", "say", nil, nil); err == nil {
		t.Error("call to nobody succeeded")
	}
}
