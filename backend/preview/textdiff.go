package preview

import (
	"fmt"
	"strings"
)

const (
	// diffContext is how many lines around a change are shown.
	diffContext = 3
	// maxDiffLines bounds what is compared line by line; beyond, the old text
	// goes as a whole and the new one comes.
	maxDiffLines = 4000
)

// unified shows what differs between two texts, as `diff -u` does, without its
// head. It is empty for equal texts.
func unified(before, after string) string {
	if before == after {
		return ""
	}
	a, b := lines(before), lines(after)
	script := compareLines(a, b)
	var out strings.Builder
	for at := 0; at < len(script); {
		if script[at].op == ' ' {
			at++
			continue
		}
		from := max(0, at-diffContext)
		to, quiet := at, 0
		for end := at; end < len(script) && quiet <= 2*diffContext; end++ {
			if script[end].op == ' ' {
				quiet++
			} else {
				quiet, to = 0, end
			}
		}
		to = min(len(script), to+1+diffContext)
		hunk(&out, script[from:to])
		at = to
	}
	return out.String()
}

// line of a comparison: kept ' ', removed '-' or added '+', with the numbers,
// from 1, that the line has, or would have, in both texts.
type line struct {
	op   byte
	text string
	a, b int
}

func hunk(out *strings.Builder, part []line) {
	removed, added := 0, 0
	for _, l := range part {
		if l.op != '+' {
			removed++
		}
		if l.op != '-' {
			added++
		}
	}
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", part[0].a, removed, part[0].b, added)
	for _, l := range part {
		out.WriteByte(l.op)
		out.WriteString(l.text)
		out.WriteByte('\n')
	}
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// compareLines finds a shortest way from a to b.
func compareLines(a, b []string) []line {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []line
	i, j := 0, 0
	take := func(op byte) {
		l := line{op: op, a: i + 1, b: j + 1}
		if op == '+' {
			l.text = b[j]
		} else {
			l.text = a[i]
		}
		if op != '+' {
			i++
		}
		if op != '-' {
			j++
		}
		out = append(out, l)
	}
	for range head {
		take(' ')
	}
	for _, op := range script(a[head:len(a)-tail], b[head:len(b)-tail]) {
		take(op)
	}
	for range tail {
		take(' ')
	}
	return out
}

// script is the longest common subsequence as steps.
func script(a, b []string) []byte {
	var out []byte
	if len(a) > maxDiffLines || len(b) > maxDiffLines || len(a)*len(b) > maxDiffLines*maxDiffLines/4 {
		return append([]byte(strings.Repeat("-", len(a))), strings.Repeat("+", len(b))...)
	}
	// common[i][j] is the length of the longest common part of a[i:] and b[j:].
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, ' ')
			i++
			j++
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, '-')
			i++
		default:
			out = append(out, '+')
			j++
		}
	}
	return out
}
