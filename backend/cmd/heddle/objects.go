package main

import (
	"cmp"
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

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// shortRef is "kind/name", with the namespace when it is not default.
func shortRef(r mesh.Ref) string {
	s := strings.ToLower(r.Kind.Name) + "/" + r.Name
	if r.Namespace != "" && r.Namespace != "default" {
		s += " (" + r.Namespace + ")"
	}
	return plain.Text(s)
}

func newGet(g *globals) *cobra.Command {
	var namespace string
	var all bool
	cmd := &cobra.Command{
		Use:   "get KIND [NAME] | all",
		Short: "Show objects",
		Example: `  heddle get all
  heddle get virtualservices
  heddle get vs reviews -o yaml
  heddle get pods -A`,
		Args:              words(0, 2),
		ValidArgsFunction: completeKinds,
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "only this `namespace` (with NAME: default)")
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "all namespaces (the default for lists)")
	out := addOutput(cmd, "table", "yaml", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			printTable(cmd.OutOrStdout(), []string{"kind", "short", "version"}, kindsTable())
			return misused(cmd, "name a kind, one of these")
		}
		c, err := newClient(g)
		if err != nil {
			return err
		}
		word, name := splitKindName(args)
		if word == "all" && name == "" {
			objects, err := c.written(cmd.Context(), namespace)
			if err != nil {
				return err
			}
			return printObjects(cmd.OutOrStdout(), out.value, objects, nil, false)
		}
		kind, err := kindOf(word)
		if err != nil {
			return err
		}
		var objects []api.Object
		if name != "" {
			var o api.Object
			if err := c.get(cmd.Context(), objectPath(kind, namespace, name), nil, &o); err != nil {
				return c.missing(cmd.Context(), err, kind, namespace, name)
			}
			objects = []api.Object{o}
		} else {
			query := url.Values{}
			if namespace != "" && !all && kind.Namespaced {
				query.Set("namespace", namespace)
			}
			if err := c.get(cmd.Context(), listPath(kind), query, &objects); err != nil {
				return err
			}
		}
		var states map[mesh.Ref]string
		if kind.Kind == mesh.KindPod && out.value == "table" {
			if states, err = c.podStates(cmd.Context()); err != nil {
				return err
			}
		}
		return printObjects(cmd.OutOrStdout(), out.value, objects, states, name != "")
	}
	return cmd
}

// written lists the objects of all kinds that somebody wrote, in all namespaces
// when none is named.
func (c *client) written(ctx context.Context, namespace string) ([]api.Object, error) {
	var all []api.Object
	for _, kind := range config.Kinds {
		if namespace != "" && !kind.Namespaced {
			continue
		}
		query := url.Values{}
		if namespace != "" {
			query.Set("namespace", namespace)
		}
		var some []api.Object
		if err := c.get(ctx, listPath(kind), query, &some); err != nil {
			return nil, err
		}
		for _, o := range some {
			if o.Origin.File != "" {
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// printObjects shows objects; what is in order is ok, or what states says.
func printObjects(w io.Writer, format string, objects []api.Object, states map[mesh.Ref]string, single bool) error {
	switch format {
	case "json":
		if single {
			return printJSON(w, objects[0])
		}
		return printJSON(w, objects)
	case "yaml":
		for i, o := range objects {
			if i > 0 {
				fmt.Fprintln(w, "---")
			}
			text := strings.TrimRight(o.YAML, "\n") + "\n"
			if isTerminal(w) { // elsewhere it is to be applied again
				text = plain.Lines(text)
			}
			fmt.Fprint(w, text)
		}
		return nil
	}
	if len(objects) == 0 {
		fmt.Fprintln(w, "none found")
		return nil
	}
	mixed := slices.ContainsFunc(objects, func(o api.Object) bool { return o.Ref.Kind != objects[0].Ref.Kind })
	header := []string{"namespace", "name", "state", "from"}
	if mixed {
		header = slices.Insert(header, 1, "kind")
	}
	var rows [][]string
	var marks []mark
	for _, o := range objects {
		look := mark{}
		state := cmp.Or(states[o.Ref], "ok")
		for _, f := range o.Findings {
			if f.Severity == mesh.Error {
				state, look = f.Code, mark{"state", mesh.Error}
				break
			}
			if f.Severity == mesh.Warning {
				state, look = f.Code, mark{"state", mesh.Warning}
			}
		}
		row := []string{o.Ref.Namespace, o.Ref.Name, state, place(o.Origin)}
		if mixed {
			row = slices.Insert(row, 1, o.Ref.Kind.Name)
		}
		rows, marks = append(rows, row), append(marks, look)
	}
	printFitted(w, nil, header, rows, nil, marks)
	return nil
}

// podStates says of each pod whether it is ready, and else its phase.
func (c *client) podStates(ctx context.Context) (map[mesh.Ref]string, error) {
	var all []api.Workload
	if err := c.get(ctx, "/api/v1/workloads", nil, &all); err != nil {
		return nil, err
	}
	states := map[mesh.Ref]string{}
	for _, w := range all {
		state := cmp.Or(w.Phase, "Pending")
		if w.Ready {
			state = "Ready"
		}
		states[mesh.Ref{Kind: mesh.KindPod, Namespace: w.Namespace, Name: w.Pod}] = state
	}
	return states, nil
}

func place(o mesh.Origin) string {
	switch {
	case o.From != "":
		return near(o.From)
	case o.File != "" && o.Line > 1:
		return near(o.File) + ":" + strconv.Itoa(o.Line)
	case o.File != "":
		return near(o.File)
	}
	return o.Source
}

// splitKindName understands "vs reviews" and "vs/reviews".
func splitKindName(args []string) (kind, name string) {
	kind, name, _ = strings.Cut(args[0], "/")
	if len(args) > 1 {
		name = args[1]
	}
	return kind, name
}

// listPath is where the objects of a kind are asked for.
func listPath(kind config.KindInfo) string {
	word := kind.Plural
	if kind.Group != "" {
		word += "." + kind.Group
	}
	return "/api/v1/config/" + url.PathEscape(word)
}

func objectPath(kind config.KindInfo, namespace, name string) string {
	if namespace == "" {
		namespace = "default"
	}
	if !kind.Namespaced {
		namespace = "_"
	}
	return listPath(kind) + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
}

// missing says more about an object that does not exist: where one of that name
// is, or what lists those that do.
func (c *client) missing(ctx context.Context, err error, kind config.KindInfo, namespace, name string) error {
	var p problem
	var all []api.Object
	if !errors.As(err, &p) || p.Status != http.StatusNotFound || c.get(ctx, listPath(kind), nil, &all) != nil {
		return err
	}
	ref := mesh.Ref{Kind: kind.Kind, Name: name}
	if kind.Namespaced {
		ref.Namespace = cmp.Or(namespace, "default")
	}
	var elsewhere []string
	for _, o := range all {
		switch {
		case o.Ref == ref: // it is there, but not to be deleted
			return exitError{exitFailed, fmt.Errorf("%s is reported by the cluster, nobody wrote it; delete what it was made from, such as its Deployment", ref)}
		case o.Ref.Name == name:
			elsewhere = append(elsewhere, "-n "+o.Ref.Namespace)
		}
	}
	hint := fmt.Sprintf("`heddle get %s` lists those that do", kind.Plural)
	if len(elsewhere) > 0 {
		hint = "there is one with " + strings.Join(elsewhere, ", with ")
	}
	return exitError{exitFailed, fmt.Errorf("%s does not exist; %s", ref, hint)}
}

func newDelete(g *globals) *cobra.Command {
	var namespace string
	var files []string
	var ignore, force bool
	cmd := &cobra.Command{
		Use:   "delete KIND NAME | -f FILE…",
		Short: "Delete objects",
		Example: `  heddle delete vs reviews
  heddle delete -f reviews.yaml`,
		Args:              words(0, 2),
		ValidArgsFunction: completeKinds,
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the object")
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "delete every object of this manifest")
	cmd.Flags().BoolVar(&ignore, "ignore-not-found", false, "an object that is not there is no error")
	cmd.Flags().BoolVar(&force, "force", false, "delete even what others need")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		if len(files) > 0 && len(args) > 0 {
			return misused(cmd, "name an object, or a manifest with -f, not both")
		}
		if len(files) > 0 {
			manifests, err := readManifests(files, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return deleteManifests(cmd, c, manifests, ignore, force)
		}
		if len(args) == 0 {
			return misused(cmd, "name a kind and an object, or a manifest with -f")
		}
		word, name := splitKindName(args)
		kind, err := kindOf(word)
		if err != nil {
			return err
		}
		if name == "" {
			return misused(cmd, "name the %s to delete", kind.Kind.Name)
		}
		return c.delete(cmd, kind, namespace, name, ignore, force, strings.ToLower(word)+"/"+name)
	}
	return cmd
}

// delete deletes one object, and says so by the name that the person gave.
func (c *client) delete(cmd *cobra.Command, kind config.KindInfo, namespace, name string, ignore, force bool, said string) error {
	ref := mesh.Ref{Kind: kind.Kind, Name: name}
	if kind.Namespaced {
		ref.Namespace = cmp.Or(namespace, "default")
	}
	deleted, err := c.deleteObjects(cmd, []mesh.Ref{ref}, ignore, force)
	var p problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		if ignore { // such as a pod, which nobody wrote
			return nil
		}
		return c.missing(cmd.Context(), err, kind, namespace, name)
	}
	if len(deleted) > 0 {
		fmt.Fprintln(cmd.OutOrStdout(), said+" deleted")
	}
	return err
}

// deleteObjects deletes objects, all or none, gives those that were there, and
// says what is wrong without them.
func (c *client) deleteObjects(cmd *cobra.Command, refs []mesh.Ref, ignore, force bool) ([]mesh.Ref, error) {
	var answer struct {
		Deleted  []mesh.Ref     `json:"deleted"`
		Findings []mesh.Finding `json:"findings"`
	}
	body := map[string]any{"objects": refs, "ignoreMissing": ignore, "force": force}
	if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/deletions", nil, body, &answer); err != nil {
		return nil, err
	}
	for _, f := range answer.Findings {
		printFinding(cmd.ErrOrStderr(), f)
	}
	return answer.Deleted, nil
}

func newScale(g *globals) *cobra.Command {
	var namespace string
	var replicas int
	cmd := &cobra.Command{
		Use:     "scale deployment/NAME --replicas N",
		Short:   "Change the number of pods of a Deployment",
		Example: "  heddle scale deployment/reviews-v1 --replicas 3",
		Args:    words(1, 2),
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the Deployment")
	cmd.Flags().IntVar(&replicas, "replicas", 0, "`number` of pods")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		word, name := splitKindName(args)
		if name == "" {
			word, name = "deployment", word
		}
		kind, err := kindOf(word)
		switch {
		case err != nil:
			return err
		case kind.Kind != mesh.KindDeployment:
			return misused(cmd, "a %s has no replicas; only a Deployment can be scaled", kind.Kind.Name)
		case !cmd.Flags().Changed("replicas"):
			return misused(cmd, "say how many pods there shall be with --replicas")
		case replicas < 0 || replicas > 1000:
			return misused(cmd, "--replicas must be from 0 to 1000, not %d", replicas)
		}
		c, err := newClient(g)
		if err != nil {
			return err
		}
		edits := map[string]any{"edits": []config.Edit{{Op: config.Set, Path: "spec.replicas", Value: strconv.Itoa(replicas)}}}
		if err := c.call(cmd.Context(), http.MethodPatch, objectPath(kind, namespace, name), nil, edits, nil); err != nil {
			return c.missing(cmd.Context(), err, kind, namespace, name)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "deployment/%s scaled to %d\n", name, replicas)
		return nil
	}
	return cmd
}

func completeKinds(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, k := range config.Kinds {
		if strings.HasPrefix(k.Plural, prefix) {
			out = append(out, k.Plural)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
