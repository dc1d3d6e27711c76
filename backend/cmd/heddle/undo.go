package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

func newUndo(g *globals) *cobra.Command {
	var list, dryRun, force, join, rest bool
	var limit int
	cmd := &cobra.Command{
		Use:   "undo [CHANGE]",
		Short: "Take a change back, byte for byte",
		Long: `Shows a change and takes it back: every object is written as it was before.
Without CHANGE that is the last one that you made with heddle and that is still
in force; given again, it goes on to the one before. Changes of others, in the
console or in the folder, are named by their number.

Nothing is written when somebody changed an object since. With --merge both
changes are joined where they do not touch the same lines.

Contents of Secrets are not kept: a Secret stays as it is. With --rest the other
objects of the change are taken back all the same.

An undo is a change too, and can be undone by its number.`,
		Example: `  heddle undo --list
  heddle undo
  heddle undo 17 --dry-run`,
		Args: words(0, 1),
	}
	cmd.Flags().BoolVar(&list, "list", false, "list changes, the newest first")
	cmd.Flags().IntVar(&limit, "limit", 20, "with --list: `number` of changes")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the change, and write nothing")
	cmd.Flags().BoolVar(&force, "force", false, "write even what would add errors to the mesh")
	cmd.Flags().BoolVar(&join, "merge", false, "join it with what others changed since, where lines do not clash")
	cmd.Flags().BoolVar(&rest, "rest", false, "take back what can be, and leave its Secrets as they are")
	out := addOutput(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		if list {
			if len(args) > 0 || limit < 1 || limit > 200 {
				return misused(cmd, "--list takes no change, and a --limit from 1 to 200")
			}
			return listChanges(cmd, c, limit, out.value)
		}
		var id string
		if len(args) > 0 {
			if id = strings.TrimPrefix(args[0], "#"); !numeric(id) {
				return misused(cmd, "a change is named by its number, not %q; `heddle undo --list` shows them", args[0])
			}
		} else if id, err = c.lastOwn(cmd.Context()); err != nil {
			return err
		}
		return c.undo(cmd, id, undoing{dryRun: dryRun, force: force, join: join, rest: rest, json: out.value == "json"})
	}
	return cmd
}

func numeric(s string) bool {
	_, ok := history.ParseID(s)
	return ok
}

// changeList is a page of changes.
type changeList struct {
	Items []history.Change `json:"items"`
	Next  string           `json:"next"`
}

func listChanges(cmd *cobra.Command, c *client, limit int, format string) error {
	var all changeList
	if err := c.get(cmd.Context(), "/api/v1/changes", url.Values{"limit": {strconv.Itoa(limit)}}, &all); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if format == "json" {
		return printJSON(w, all.Items)
	}
	if len(all.Items) == 0 {
		fmt.Fprintln(w, "nothing was changed yet")
		return nil
	}
	var rows [][]string
	for _, ch := range all.Items {
		state := ""
		switch {
		case ch.UndoneBy != "":
			state = "undone by " + ch.UndoneBy
		case !ch.Undoable:
			state = "not undoable"
		case len(ch.Stays) > 0:
			state = "undoable with --rest"
		}
		rows = append(rows, []string{ch.ID, age(ch.At), ch.Actor, string(ch.Via), said(ch), state})
	}
	printFitted(w, []string{"via"}, []string{"change", "age", "by", "via", "what", "state"}, rows, nil, nil)
	return nil
}

// said is what a change did, in a few words.
func said(c history.Change) string {
	p := c.Summary.Params
	var text string
	switch {
	case c.Summary.Code == "weights":
		text = fmt.Sprintf("%s weights %s: %s → %s", objectName(c.Entries), p["labels"], p["from"], p["to"])
	case len(c.Entries) == 1:
		text = objectName(c.Entries) + " " + past(c.Entries[0].Op)
	default:
		var parts []string
		for _, word := range []string{"created", "changed", "deleted"} {
			if n := p[word]; n != "" && n != "0" {
				parts = append(parts, n+" "+word)
			}
		}
		text = strings.Join(parts, ", ")
	}
	if c.Undoes != "" {
		text = "undo of " + c.Undoes + ": " + text
	}
	return text
}

func objectName(entries []history.Entry) string {
	if len(entries) == 0 {
		return ""
	}
	return shortRef(entries[0].Ref)
}

func past(op history.Op) string {
	switch op {
	case history.Create:
		return "created"
	case history.Delete:
		return "deleted"
	}
	return "changed"
}

// lastOwn is the last change that was made with heddle, is in force, and took none
// back.
func (c *client) lastOwn(ctx context.Context) (string, error) {
	query := url.Values{"via": {string(history.CLI)}, "limit": {"200"}}
	for {
		var page changeList
		if err := c.get(ctx, "/api/v1/changes", query, &page); err != nil {
			return "", err
		}
		for _, ch := range page.Items {
			if ch.Via == history.CLI && ch.Undoable && ch.Undoes == "" {
				return ch.ID, nil
			}
		}
		if page.Next == "" {
			return "", exitError{exitFailed, errors.New("there is no change of yours to undo; `heddle undo --list` shows those of others")}
		}
		query.Set("before", page.Next)
	}
}

// undoing says how to undo.
type undoing struct{ dryRun, force, join, rest, json bool }

// undoBody asks for an undo.
type undoBody struct {
	Force bool `json:"force"`
	Rest  bool `json:"rest,omitempty"`
}

// undo shows a change and takes it back.
func (c *client) undo(cmd *cobra.Command, id string, how undoing) error {
	ctx, w := cmd.Context(), cmd.OutOrStdout()
	var ch history.Change
	if err := c.get(ctx, "/api/v1/changes/"+url.PathEscape(id), nil, &ch); err != nil {
		return err
	}
	if !how.json {
		fmt.Fprintf(w, "change %s by %s (%s), %s ago: %s\n", ch.ID, plain.Text(ch.Actor), ch.Via, age(ch.At), plain.Text(said(ch)))
		for _, e := range ch.Entries {
			printEntry(w, e)
			if slices.Contains(ch.Stays, e.Ref) {
				fmt.Fprintln(w, "    stays as it is: contents of Secrets are not kept")
			}
		}
	}
	if how.dryRun {
		if how.json {
			return printJSON(w, ch)
		}
		return nil
	}
	var answer struct {
		Change   *history.Change `json:"change,omitempty"`
		Findings []mesh.Finding  `json:"findings"`
	}
	err := c.call(ctx, http.MethodPost, "/api/v1/changes/"+url.PathEscape(id)+"/undo", nil, undoBody{how.force, how.rest}, &answer)
	var p problem
	if errors.As(err, &p) && p.Status == http.StatusPreconditionFailed {
		entries, clashes := merges(ch, p.Conflicts)
		if !how.join || len(clashes) > 0 {
			return exitError{exitFailed, inTheWay(p.Conflicts, clashes)}
		}
		err = c.call(ctx, http.MethodPut, "/api/v1/changes", nil, map[string]any{"entries": entries, "force": how.force, "undoes": id}, &answer)
	}
	if err != nil {
		return err
	}
	if how.json {
		return printJSON(w, answer)
	}
	for _, f := range answer.Findings {
		printFinding(cmd.ErrOrStderr(), f)
	}
	if answer.Change == nil {
		fmt.Fprintln(w, "everything is as it was before already; nothing was written")
		return nil
	}
	if answer.Change.ID == "" {
		fmt.Fprintln(w, "undone; it is not in the history yet, because the database cannot be written")
		return nil
	}
	fmt.Fprintf(w, "undone by change %s; `heddle undo %s` makes it again\n", answer.Change.ID, answer.Change.ID)
	return nil
}

// merges are the entries of an undo, joined with what others changed since, and
// the conflicts that only a person can settle.
func merges(c history.Change, conflicts []merge.Conflict) (entries []preview.Entry, clashes []merge.Conflict) {
	inTheWay := map[mesh.Ref]merge.Conflict{}
	for _, conflict := range conflicts {
		inTheWay[conflict.Ref] = conflict
	}
	for _, e := range c.Entries {
		if slices.Contains(c.Stays, e.Ref) {
			continue
		}
		conflict, changed := inTheWay[e.Ref]
		entry := preview.Entry{Ref: e.Ref, ETag: e.AfterETag, Delete: e.Before == nil}
		switch {
		case changed && conflict.Merged == nil:
			clashes = append(clashes, conflict)
			continue
		case changed:
			entry.ETag, entry.YAML = conflict.ETag, *conflict.Merged
		case e.Before != nil:
			entry.YAML = *e.Before
		}
		entries = append(entries, entry)
	}
	return entries, clashes
}

// inTheWay says why a change was not undone.
func inTheWay(conflicts, clashes []merge.Conflict) error {
	var lines []string
	for _, c := range conflicts {
		line := shortRef(c.Ref) + " was changed since"
		if c.Theirs == "" {
			line = shortRef(c.Ref) + " was deleted since"
		}
		if c.TheirsBy != nil {
			line += " by " + plain.Text(c.TheirsBy.Actor) + ", change " + plain.Text(c.TheirsBy.Change)
		}
		lines = append(lines, line)
	}
	hint := "undo that first, or join both with --merge"
	if len(clashes) > 0 {
		hint = "undo that first, or settle it with `heddle apply`: both touch the same lines"
	}
	return fmt.Errorf("nothing was written\n  %s\n  %s", strings.Join(lines, "\n  "), hint)
}

// around is how many lines are shown before and behind what changed.
const around = 2

// printEntry shows what a change did to an object, line by line.
func printEntry(w io.Writer, e history.Entry) {
	fmt.Fprintf(w, "  %s %s\n", shortRef(e.Ref), past(e.Op))
	if e.Op != history.Modify || e.Before == nil || e.After == nil {
		return
	}
	hunks := merge.Lines(*e.Before, *e.Before, *e.After)
	for i, h := range hunks {
		if h.Kind != merge.Same {
			printLines(w, mesh.Error, "-", h.Base)
			printLines(w, mesh.Info, "+", h.Mine)
			continue
		}
		lines := strings.SplitAfter(strings.TrimSuffix(h.Base, "\n"), "\n")
		head, tail := around, around
		if i == 0 {
			head = 0
		}
		if i == len(hunks)-1 {
			tail = 0
		}
		if head+tail >= len(lines) {
			printLines(w, "", " ", strings.Join(lines, ""))
			continue
		}
		printLines(w, "", " ", strings.Join(lines[:head], ""))
		fmt.Fprintln(w, "    …")
		printLines(w, "", " ", strings.Join(lines[len(lines)-tail:], ""))
	}
}

func printLines(w io.Writer, look mesh.Severity, sign, text string) {
	for line := range strings.Lines(text) {
		line = "    " + sign + " " + strings.TrimRight(line, "\r\n")
		if look == "" {
			fmt.Fprintln(w, plain.Text(line))
		} else {
			fmt.Fprintln(w, paint(w, look, line))
		}
	}
}
