package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// maxLog is the size of a log file in bytes beyond which it is put aside; one
// older file is kept.
const maxLog = 8 << 20

// logSink collects the output of a program, over all its runs, in a file.
type logSink struct {
	path string

	mu      sync.Mutex
	file    *os.File
	size    int64
	closed  bool
	changed chan struct{} // closed and replaced with each write
}

func openLog(path string) (*logSink, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open log: %w", err)
	}
	return &logSink{path: path, file: f, size: info.Size(), changed: make(chan struct{})}, nil
}

// Write implements io.Writer.
func (l *logSink) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, os.ErrClosed
	}
	if l.size > 0 && l.size+int64(len(p)) > maxLog {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	close(l.changed)
	l.changed = make(chan struct{})
	return n, err
}

func (l *logSink) rotate() error {
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.file.Close()
	l.file, l.size = f, 0
	return nil
}

// Close ends the log; those who follow it see the end.
func (l *logSink) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.changed)
	return l.file.Close()
}

// pipe is a file to write to for another process. What it writes is collected
// until it and all its children have ended.
func (l *logSink) pipe() (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	go func() {
		defer read.Close()
		if _, err := io.Copy(l, read); err != nil {
			// The disk is full, say: the program goes on all the same.
			_, _ = io.Copy(io.Discard, read)
		}
	}()
	return write, nil
}

// copyTo writes the last lines of the log, all where tail is negative, and what
// is added until ctx ends if follow is set.
func (l *logSink) copyTo(ctx context.Context, w io.Writer, tail int, follow bool) error {
	l.mu.Lock()
	changed, closed, old := l.changed, l.closed, l.file
	file, err := os.Open(l.path)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() { file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	if before, err := os.ReadFile(l.path + ".1"); err == nil {
		text = append(before, text...)
	}
	if _, err := w.Write(lastLines(text, tail)); err != nil {
		return err
	}
	for follow && !closed {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		if _, err := io.Copy(w, file); err != nil {
			return err
		}
		l.mu.Lock()
		changed, closed = l.changed, l.closed
		if l.file != old { // put aside: what was read so far is all of it
			old = l.file
			next, err := os.Open(l.path)
			if err != nil {
				l.mu.Unlock()
				return err
			}
			file.Close()
			file = next
		}
		_, err := io.Copy(w, file) // what came meanwhile
		l.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// lastLines are the last n lines of text, all where n is negative.
func lastLines(text []byte, n int) []byte {
	if n < 0 {
		return text
	}
	at := len(text)
	if at > 0 && text[at-1] == '\n' {
		at--
	}
	for ; n > 0; n-- {
		if at = bytes.LastIndexByte(text[:at], '\n'); at < 0 {
			return text
		}
	}
	if at >= len(text) {
		return nil
	}
	return text[at+1:]
}
