// Package plain makes text that somebody else wrote fit to be shown on a
// terminal: names of services that programs report, labels of metrics, words of
// proxies and of probes. Terminals obey control characters that stand in text.
// They would change the clipboard and the title of the window, or show lines
// that nobody wrote.
package plain

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is s on one line, as it can be seen: control characters, what turns the
// direction of writing, what has no width, and bytes that are no UTF-8 are
// written out, as \n, \x1b or \u{202e}. All else stays, backslashes too: two
// texts may become one, and Text of Text is the same.
func Text(s string) string { return written(s, "") }

// Lines is Text that leaves ends of lines and tabs as they are.
func Lines(s string) string { return written(s, "\n\t") }

func written(s, keep string) string {
	if fit(s, keep) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if bad(r, size) && !strings.ContainsRune(keep, r) {
			b.WriteString(name(r, s[i]))
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func fit(s, keep string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		}
		if bad(r, 0) && !strings.ContainsRune(keep, r) {
			return false
		}
	}
	return true
}

// Shows reports whether a character can be shown as it is.
func Shows(r rune) bool { return !bad(r, 0) }

// bad reports whether a character of so many bytes is to be written out; one
// byte of an error is no character.
func bad(r rune, size int) bool {
	switch {
	case r < 0x7f:
		return r < ' '
	case r == utf8.RuneError:
		return size == 1
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// name writes a character out; an error of UTF-8 as the byte that it is.
func name(r rune, first byte) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r == utf8.RuneError:
		return fmt.Sprintf(`\x%02x`, first)
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u{%x}`, r)
}

// Log shows on a terminal what programs write: lines, tabs and colours stay, all
// else is as Text has it. Close it at the end.
type Log struct {
	to      io.Writer
	held    []byte // what cannot be told yet: the beginning of a character or of a colour
	painted bool
}

// NewLog is a Log that writes to a terminal.
func NewLog(terminal io.Writer) *Log { return &Log{to: terminal} }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	data := append(l.held, p...)
	out := make([]byte, 0, len(data))
	i := 0
scan:
	for i < len(data) {
		rest := data[i:]
		switch rest[0] {
		case '\n', '\t':
			out = append(out, rest[0])
			i++
			continue
		case '\r':
			if len(rest) == 1 {
				break scan
			}
			if rest[1] == '\n' {
				i++
				continue
			}
		case '\x1b':
			n, more := colour(rest)
			if more {
				break scan
			}
			if n > 0 {
				out = append(out, rest[:n]...)
				l.painted = true
				i += n
				continue
			}
		}
		if !utf8.FullRune(rest) {
			break
		}
		_, size := utf8.DecodeRune(rest)
		out = append(out, Text(string(rest[:size]))...)
		i += size
	}
	l.held = append(l.held[:0:0], data[i:]...)
	if _, err := l.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what is left, and ends the colours that were begun.
func (l *Log) Close() error {
	end := Text(string(l.held))
	if l.painted {
		end += "\x1b[0m"
	}
	l.held, l.painted = nil, false
	_, err := io.WriteString(l.to, end)
	return err
}

// maxColour is how long the sequence is at most that sets a colour.
const maxColour = 40

// colour is how many bytes at the beginning set a colour (SGR of ECMA-48); more
// says that it takes more bytes to tell.
func colour(data []byte) (n int, more bool) {
	for i, c := range data {
		switch {
		case i >= maxColour, i == 1 && c != '[':
			return 0, false
		case i < 2 || c >= '0' && c <= ';': // digits, colon and semicolon
		case c == 'm':
			return i + 1, false
		default:
			return 0, false
		}
	}
	return 0, len(data) < maxColour
}
