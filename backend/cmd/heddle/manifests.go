package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// applySettle is how long apply waits at most for the proxies, to say what came
// of it.
const applySettle = "1500ms"

func newApply(g *globals) *cobra.Command {
	var files []string
	var dryRun, force bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE…",
		Short: "Create or change objects, all or none",
		Example: `  heddle apply -f reviews.yaml
  heddle apply -f routes/ --dry-run
  cat reviews.yaml | heddle apply -f -`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misused(c, "manifests are named with -f, each: -f %s", args[0])
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "`file` or folder with manifests, or - for standard input")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and write nothing")
	cmd.Flags().BoolVar(&force, "force", false, "write even what would add errors to the mesh")
	out := addOutput(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(files) == 0 {
			return misused(cmd, "name a manifest with -f: a file, a folder, or - for standard input")
		}
		manifests, err := readManifests(files, cmd.InOrStdin())
		if err != nil {
			return err
		}
		if err := holdObjects(manifests); err != nil {
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
		body := map[string]any{"manifests": manifests, "dryRun": dryRun, "force": force}
		if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/config", url.Values{"settle": {applySettle}}, body, &answer); err != nil {
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
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s%s\n", shortRef(a.Ref), plain.Text(a.Result), suffix)
		}
		for _, f := range answer.Findings {
			printFinding(cmd.ErrOrStderr(), f)
		}
		return nil
	}
	return cmd
}

// readManifests reads files as readFiles does. They are named in full: the mesh
// remembers it, and the next command may be given somewhere else.
func readManifests(paths []string, stdin io.Reader) ([]api.Manifest, error) {
	files, err := readFiles(paths, stdin)
	if err != nil {
		return nil, err
	}
	out := make([]api.Manifest, len(files))
	for i, f := range files {
		out[i] = api.Manifest{File: f.Name, Text: string(f.Data)}
		if f.Name == standardInput {
			continue
		}
		if out[i].File, err = filepath.Abs(f.Name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// standardInput is what findings call the file named "-".
const standardInput = "standard input"

// readFiles reads files, and every YAML and JSON file of folders in the order of
// their names. Each is read once, by the first name that leads to it.
func readFiles(paths []string, stdin io.Reader) ([]config.File, error) {
	var out []config.File
	seen := map[string]bool{}
	for _, p := range paths {
		if p == "-" && seen[p] {
			return nil, errors.New("standard input can be read once only")
		}
		if p == "-" {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			seen[p] = true
			out = append(out, config.File{Name: standardInput, Data: data})
			continue
		}
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == p {
				return fmt.Errorf("there is no file or folder %s", p)
			}
			if err == nil && d.IsDir() && path != p && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			if err != nil || d.IsDir() {
				return err
			}
			if path != p && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
				return nil
			}
			if path = filepath.Clean(path); seen[path] {
				return nil
			}
			seen[path] = true
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			out = append(out, config.File{Name: path, Data: data})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no manifests (files that end in .yaml, .yml or .json)", strings.Join(paths, ", "))
	}
	return out, nil
}

// holdObjects fails when manifests hold no object at all, and says why. Mistakes
// are left to the control plane to tell.
func holdObjects(manifests []api.Manifest) error {
	var why []string
	for _, m := range manifests {
		r := config.Decode(m.File, []byte(m.Text))
		mistaken := slices.ContainsFunc(r.Problems, func(f mesh.Finding) bool { return f.Severity == mesh.Error })
		if len(r.Objects) > 0 || mistaken {
			return nil
		}
		if len(r.Problems) == 0 {
			why = append(why, near(m.File)+" holds no object")
		}
		for _, f := range r.Problems {
			why = append(why, findingLine(f))
		}
	}
	return exitError{exitFailed, errors.New("there is nothing to do\n  " + strings.Join(why, "\n  "))}
}

// deleteManifests deletes every object of manifests, once all of them are read.
func deleteManifests(cmd *cobra.Command, c *client, manifests []api.Manifest, ignore, force bool) error {
	if err := holdObjects(manifests); err != nil {
		return err
	}
	var objects []*mesh.Object
	for _, m := range manifests {
		r := config.Decode(m.File, []byte(m.Text))
		for _, f := range r.Problems {
			if f.Severity == mesh.Error {
				return exitError{exitFailed, errors.New("nothing was deleted\n  " + findingLine(f))}
			}
		}
		objects = append(objects, r.Objects...)
	}
	refs := make([]mesh.Ref, len(objects))
	for i, o := range objects {
		refs[i] = o.Ref
	}
	deleted, err := c.deleteObjects(cmd, refs, ignore, force)
	if err != nil {
		return err
	}
	for _, ref := range deleted {
		fmt.Fprintln(cmd.OutOrStdout(), shortRef(ref)+" deleted")
	}
	return nil
}
