package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

func newApply(g *globals) *cobra.Command {
	var files []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE…",
		Short: "Create or change objects, all or none",
		Example: `  heddle apply -f reviews.yaml
  heddle apply -f routes/ --dry-run
  cat reviews.yaml | heddle apply -f -`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "`file` or folder with manifests, or - for standard input")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and write nothing")
	_ = cmd.MarkFlagRequired("filename")
	out := addOutput(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		manifests, err := readManifests(files, cmd.InOrStdin())
		if err != nil {
			return err
		}
		c, err := newClient(g)
		if err != nil {
			return err
		}
		var answer struct {
			Applied  []api.Applied  `json:"applied"`
			Findings []mesh.Finding `json:"findings"`
		}
		body := map[string]any{"manifests": manifests, "dryRun": dryRun}
		if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/config", nil, body, &answer); err != nil {
			return err
		}
		if out.value == "json" {
			return printJSON(cmd.OutOrStdout(), answer)
		}
		suffix := ""
		if dryRun {
			suffix = " (dry run)"
		}
		for _, a := range answer.Applied {
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s%s\n", shortRef(a.Ref), a.Result, suffix)
		}
		for _, f := range answer.Findings {
			fmt.Fprintln(cmd.ErrOrStderr(), paint(cmd.ErrOrStderr(), f.Severity, findingLine(f)))
		}
		return nil
	}
	return cmd
}

// readManifests reads files, and every YAML and JSON file of folders in the
// order of their names.
func readManifests(paths []string, stdin io.Reader) ([]api.Manifest, error) {
	var out []api.Manifest
	for _, p := range paths {
		if p == "-" {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			out = append(out, api.Manifest{File: "standard input", Text: string(data)})
			continue
		}
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && path != p && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			if err != nil || d.IsDir() {
				return err
			}
			if path != p && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			out = append(out, api.Manifest{File: path, Text: string(data)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no manifest found: name a .yaml or .json file, a folder with some, or - for standard input")
	}
	return out, nil
}

// shortRef is "kind/name", with the namespace when it is not default.
func shortRef(r mesh.Ref) string {
	s := strings.ToLower(r.Kind.Name) + "/" + r.Name
	if r.Namespace != "" && r.Namespace != "default" {
		s += " (" + r.Namespace + ")"
	}
	return s
}

func newGet(g *globals) *cobra.Command {
	var namespace string
	var all bool
	cmd := &cobra.Command{
		Use:   "get KIND [NAME]",
		Short: "Show objects",
		Example: `  heddle get virtualservices
  heddle get vs reviews -o yaml
  heddle get pods -A`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeKinds,
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "only this `namespace` (with NAME: default)")
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "all namespaces (the default for lists)")
	out := addOutput(cmd, "table", "yaml", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		kind, name := splitKindName(args)
		var objects []api.Object
		if name != "" {
			var o api.Object
			if err := c.get(cmd.Context(), objectPath(kind, namespace, name), nil, &o); err != nil {
				return err
			}
			objects = []api.Object{o}
		} else {
			query := url.Values{}
			if namespace != "" && !all {
				query.Set("namespace", namespace)
			}
			if err := c.get(cmd.Context(), "/api/v1/config/"+url.PathEscape(kind), query, &objects); err != nil {
				return err
			}
		}
		return printObjects(cmd.OutOrStdout(), out.value, objects, name != "")
	}
	return cmd
}

func printObjects(w io.Writer, format string, objects []api.Object, single bool) error {
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
			fmt.Fprint(w, strings.TrimRight(o.YAML, "\n")+"\n")
		}
		return nil
	}
	if len(objects) == 0 {
		fmt.Fprintln(w, "none found")
		return nil
	}
	var rows [][]string
	for _, o := range objects {
		state := "ok"
		for _, f := range o.Findings {
			if f.Severity == mesh.Error {
				state = paint(w, mesh.Error, f.Code)
				break
			}
			if f.Severity == mesh.Warning {
				state = paint(w, mesh.Warning, f.Code)
			}
		}
		rows = append(rows, []string{o.Ref.Namespace, o.Ref.Name, state, place(o.Origin)})
	}
	printTable(w, []string{"namespace", "name", "state", "from"}, rows)
	return nil
}

func place(o mesh.Origin) string {
	switch {
	case o.From != "":
		return o.From
	case o.File != "" && o.Line > 1:
		return o.File + ":" + strconv.Itoa(o.Line)
	case o.File != "":
		return o.File
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

func objectPath(kind, namespace, name string) string {
	if namespace == "" {
		namespace = "default"
	}
	return "/api/v1/config/" + url.PathEscape(kind) + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
}

func newDelete(g *globals) *cobra.Command {
	var namespace string
	var files []string
	var ignore bool
	cmd := &cobra.Command{
		Use:   "delete KIND NAME | -f FILE…",
		Short: "Delete objects",
		Example: `  heddle delete vs reviews
  heddle delete -f reviews.yaml`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: completeKinds,
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the object")
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "delete every object of this manifest")
	cmd.Flags().BoolVar(&ignore, "ignore-not-found", false, "an object that is not there is no error")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		if len(files) > 0 {
			manifests, err := readManifests(files, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return deleteManifests(cmd.Context(), c, manifests, ignore, cmd.OutOrStdout())
		}
		if len(args) == 0 {
			return errors.New("name a kind and an object, or a manifest with -f")
		}
		kind, name := splitKindName(args)
		if name == "" {
			return fmt.Errorf("name the %s to delete", kind)
		}
		return deleteOne(cmd.Context(), c, objectPath(kind, namespace, name), strings.ToLower(kind)+"/"+name, ignore, cmd.OutOrStdout())
	}
	return cmd
}

func deleteManifests(ctx context.Context, c *client, manifests []api.Manifest, ignore bool, w io.Writer) error {
	for _, m := range manifests {
		r := config.Decode(m.File, []byte(m.Text))
		for _, f := range r.Problems {
			if f.Severity == mesh.Error {
				return exitError{exitFailed, errors.New(findingLine(f))}
			}
		}
		for _, o := range r.Objects {
			path := "/api/v1/config/" + url.PathEscape(o.Kind.String()) + "/" + namespaceSegment(o.Namespace) + "/" + url.PathEscape(o.Name)
			if err := deleteOne(ctx, c, path, shortRef(o.Ref), ignore, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func deleteOne(ctx context.Context, c *client, path, name string, ignore bool, w io.Writer) error {
	err := c.call(ctx, http.MethodDelete, path, nil, nil, nil)
	var p problem
	if ignore && errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil
	}
	if err == nil {
		fmt.Fprintln(w, name+" deleted")
	}
	return err
}

func namespaceSegment(ns string) string {
	if ns == "" {
		return "_"
	}
	return url.PathEscape(ns)
}

func newScale(g *globals) *cobra.Command {
	var namespace string
	var replicas int
	cmd := &cobra.Command{
		Use:     "scale deployment/NAME --replicas N",
		Short:   "Change the number of pods of a Deployment",
		Example: "  heddle scale deployment/reviews-v1 --replicas 3",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the Deployment")
	cmd.Flags().IntVar(&replicas, "replicas", 0, "`number` of pods")
	_ = cmd.MarkFlagRequired("replicas")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kind, name := splitKindName(args)
		if name == "" {
			kind, name = "deployment", kind
		}
		if replicas < 0 || replicas > 1000 {
			return fmt.Errorf("--replicas must be from 0 to 1000, not %d", replicas)
		}
		c, err := newClient(g)
		if err != nil {
			return err
		}
		edits := map[string]any{"edits": []config.Edit{{Op: config.Set, Path: "spec.replicas", Value: strconv.Itoa(replicas)}}}
		if err := c.call(cmd.Context(), http.MethodPatch, objectPath(kind, namespace, name), nil, edits, nil); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s/%s scaled to %d\n", strings.ToLower(kind), name, replicas)
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
