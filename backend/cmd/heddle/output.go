package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// choice is a flag that takes one of a few words.
type choice struct {
	value  string
	values []string
}

// addOutput adds -o with the formats that a command has; the first is the default.
func addOutput(cmd *cobra.Command, formats ...string) *choice {
	o := &choice{value: formats[0], values: formats}
	cmd.Flags().VarP(o, "output", "o", "`format`: "+joinOr(formats))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return o
}

// String, Type and Set implement pflag.Value.
func (o *choice) String() string { return o.value }

// Type is what help shows of the values.
func (o *choice) Type() string { return "word" }

// Set takes one of the words.
func (o *choice) Set(v string) error {
	if !slices.Contains(o.values, v) {
		return fmt.Errorf("must be %s", joinOr(o.values))
	}
	o.value = v
	return nil
}

func joinOr(words []string) string {
	out := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			out += " or "
		default:
			out += ", "
		}
		out += w
	}
	return out
}

// printJSON writes v as JSON that a terminal can show too: what it would obey is
// escaped, also what JSON allows to stand as it is.
func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escaped(b.String()))
	return err
}

// escaped is JSON without characters that cannot be seen, which stand nowhere
// but in its strings.
func escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || plain.Shows(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// isTerminal reports whether a person sees what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// coloured reports whether w is a terminal that may show colours.
func coloured(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// width is the number of columns to fill, 0 when w is no terminal: then nothing
// is cut.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

// printTable writes rows under a header, as kubectl does: no lines, two spaces
// between columns.
func printTable(w io.Writer, header []string, rows [][]string) {
	printFitted(w, nil, header, rows, nil, nil)
}

// mark is how bad it is what the cell of a row below a header says; the zero
// mark is none.
type mark struct {
	header   string
	severity mesh.Severity
}

// printFitted is printTable, on a terminal without as many of the spare columns
// as do not fit, the first one goes first. A note stands below its row, on lines
// of its own; a mark paints one of its cells.
func printFitted(w io.Writer, spare, header []string, rows [][]string, notes []string, marks []mark) {
	if len(rows) == 0 {
		return
	}
	columns := width(w)
	header, rows = fitted(columns, spare, header, rows)
	lines := layout(header, rows, func(row int, header, cell string) string {
		if row < len(marks) && marks[row].header == header {
			return paint(w, marks[row].severity, cell)
		}
		return cell
	})
	fmt.Fprintln(w, lines[0])
	for i, line := range lines[1:] {
		fmt.Fprintln(w, line)
		if i < len(notes) && notes[i] != "" {
			printWrapped(w, "    ", "    ", notes[i])
		}
	}
}

// fitted leaves out spare columns, by their headers, until a table fits; 0
// columns is no bound.
func fitted(columns int, spare, header []string, rows [][]string) ([]string, [][]string) {
	for _, name := range spare {
		if columns <= 0 || widest(layout(header, rows, asItIs)) <= columns {
			break
		}
		i := slices.Index(header, name)
		if i < 0 {
			continue
		}
		header = slices.Delete(slices.Clone(header), i, i+1)
		fewer := make([][]string, len(rows))
		for k, r := range rows {
			fewer[k] = slices.Delete(slices.Clone(r), i, i+1)
		}
		rows = fewer
	}
	return header, rows
}

func widest(lines []string) int {
	n := 0
	for _, line := range lines {
		n = max(n, text.StringWidthWithoutEscSequences(line))
	}
	return n
}

// asItIs paints no cell.
func asItIs(_ int, _, cell string) string { return cell }

// layout is a table as lines, the header first; none ends with spaces. Cells are
// written as plain.Text has them, and then painted.
func layout(header []string, rows [][]string, paint func(row int, header, cell string) string) []string {
	upper := make([]string, len(header))
	for i, h := range header {
		upper[i] = strings.ToUpper(h)
	}
	all := [][]string{upper}
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			cells[i] = plain.Text(cell)
		}
		all = append(all, cells)
	}
	widths := make([]int, len(header))
	for _, r := range all {
		for i, cell := range r {
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	lines := make([]string, len(all))
	for k, r := range all {
		line := ""
		for i, cell := range r {
			pad := strings.Repeat(" ", widths[i]-text.StringWidthWithoutEscSequences(cell)+2)
			if k > 0 {
				cell = paint(k-1, header[i], cell)
			}
			line += cell + pad
		}
		lines[k] = strings.TrimRight(line, " ")
	}
	return lines
}

// printWrapped writes words, on as many lines as the terminal needs; without a
// terminal on one. The first begins with first, the others with rest.
func printWrapped(w io.Writer, first, rest, words string) {
	for _, line := range wrapped(width(w), first, rest, words) {
		fmt.Fprintln(w, line)
	}
}

// wrapped breaks words at spaces into lines of at most so many columns; 0 is no
// bound. A word that is longer has a line of its own. The spaces that the first
// line is begun with may stand in words too. Words are written as plain.Text has
// them.
func wrapped(columns int, first, rest, words string) []string {
	words = plain.Text(words)
	if columns <= 0 {
		return []string{first + words}
	}
	var lines []string
	line, begun := first, false
	for word := range strings.SplitSeq(words, " ") {
		next := line + word
		if begun {
			next = line + " " + word
		}
		if begun && word != "" && text.StringWidthWithoutEscSequences(next) > columns {
			lines = append(lines, strings.TrimRight(line, " "))
			next = rest + word
		}
		line, begun = next, true
	}
	return append(lines, strings.TrimRight(line, " "))
}

// paint is plain.Text, coloured by severity where w is a terminal.
func paint(w io.Writer, s mesh.Severity, words string) string {
	words = plain.Text(words)
	if !coloured(w) {
		return words
	}
	switch s {
	case mesh.Error:
		return text.FgRed.Sprint(words)
	case mesh.Warning:
		return text.FgYellow.Sprint(words)
	}
	return text.FgBlue.Sprint(words)
}

// printFinding writes a finding, on as many lines as the terminal needs.
func printFinding(w io.Writer, f mesh.Finding) {
	for _, line := range wrapped(width(w), "", "    ", findingLine(f)) {
		fmt.Fprintln(w, paint(w, f.Severity, line))
	}
}

// findingLine is a finding on one line, the place first, as compilers do.
func findingLine(f mesh.Finding) string {
	place := near(f.File)
	if place != "" && f.Line > 0 {
		place += ":" + strconv.Itoa(f.Line)
		if f.Column > 0 {
			place += ":" + strconv.Itoa(f.Column)
		}
	}
	if place != "" {
		place += ": "
	}
	subject := ""
	if f.Ref.Name != "" {
		subject = f.Ref.String()
		if f.Path != "" {
			subject += " " + f.Path
		}
		subject += ": "
	}
	return plain.Text(fmt.Sprintf("%s%s %s: %s%s", place, f.Severity, f.Code, subject, f.Message))
}

// near is a path as a person would type it: without the way to the working
// folder when it is below that.
func near(path string) string {
	if !filepath.IsAbs(path) {
		return path
	}
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

// age is a duration as kubectl writes it: 5s, 3m, 2h, 4d.
func age(since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	switch d := time.Since(since); {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + "d"
	}
}
