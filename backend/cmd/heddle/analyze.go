package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// inquiry is what both commands that look at files are asked.
type inquiry struct {
	files        []string
	meshConfig   string
	meshNetworks string
	namespace    string
	output       *choice
	failOn       *choice
	suppress     []string
	partial      bool
}

// ask adds the flags of an inquiry.
func ask(cmd *cobra.Command) *inquiry {
	q := &inquiry{failOn: &choice{value: "error", values: []string{"error", "warning", "info", "none"}}}
	f := cmd.Flags()
	f.StringArrayVarP(&q.files, "filename", "f", nil, "`file` or folder with manifests, or - for standard input")
	f.StringVar(&q.meshConfig, "mesh-config", "", "`file` with the configuration of the mesh (MeshConfig)")
	f.StringVar(&q.meshNetworks, "mesh-networks", "", "`file` with the networks of the mesh (MeshNetworks)")
	f.StringVarP(&q.namespace, "namespace", "n", "", "`namespace` of objects that name none")
	f.Var(q.failOn, "fail-on", "exit with 1 when there is a finding of this `severity` or worse: "+joinOr(q.failOn.values))
	f.StringArrayVar(&q.suppress, "suppress", nil, "keep a `CODE` quiet, or \"CODE=Kind namespace/name\" for some objects; * stands for any")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(q.failOn.values, cobra.ShellCompDirectiveNoFileComp))
	q.output = addOutput(cmd, "table", "json", "sarif", "github")
	return q
}

func newValidate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "Look for mistakes in each object alone, without a mesh",
		Long: `Reads files and folders, and says what the APIs of the mesh and of Kubernetes
would refuse in each object, and what they would warn of.

It exits with 0 when all is well, with 1 when there are errors (see --fail-on),
and with 2 when it could not run.`,
		Example: `  heddle validate routes/
  helm template shop | heddle validate -
  heddle validate reviews.yaml -o json`,
	}
	q := ask(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if q.files = append(q.files, args...); len(q.files) == 0 && q.meshConfig == "" && q.meshNetworks == "" {
			return misused(cmd, "name a file, a folder, or - for standard input")
		}
		a, err := q.answer(validate.Alone, cmd.InOrStdin())
		if err != nil {
			return err
		}
		return q.tell(cmd, a)
	}
	return cmd
}

func newAnalyze(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "analyze [FILE…]",
		Short: "Look for mistakes in objects and in how they go together",
		Long: `Reads files and folders, and says everything that is wrong with their objects,
alone and together. What is not in the files does not exist; with --partial the
files are only some of the objects, and nothing is said to be missing.

Without files it says what is wrong in the running mesh.

It exits with 0 when all is well, with 1 when there are errors (see --fail-on),
and with 2 when it could not run.`,
		Example: `  heddle analyze routes/ services.yaml
  helm template shop | heddle analyze -
  heddle analyze --partial reviews.yaml
  heddle analyze . --suppress "HDL2101=VirtualService shop/*" --fail-on warning
  heddle analyze`,
	}
	q := ask(cmd)
	cmd.Flags().BoolVar(&q.partial, "partial", false, "the files are only some of the objects: nothing is said to be missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var a validate.Answer
		var err error
		if q.files = append(q.files, args...); len(q.files) > 0 {
			a, err = q.answer(validate.Together, cmd.InOrStdin())
		} else {
			a, err = q.live(cmd, g)
		}
		if err != nil {
			return err
		}
		return q.tell(cmd, a)
	}
	return cmd
}

// answer reads the files and looks at them.
func (q *inquiry) answer(question validate.Question, stdin io.Reader) (validate.Answer, error) {
	suppress, err := suppressions(q.suppress)
	if err != nil {
		return validate.Answer{}, err
	}
	var files []config.File
	if len(q.files) > 0 {
		if files, err = readFiles(q.files, stdin); err != nil {
			return validate.Answer{}, err
		}
	}
	collectLess(files)
	opt := validate.FileOptions{
		Options:   validate.Options{Partial: q.partial, Suppress: suppress},
		Namespace: q.namespace, Settings: mesh.DefaultSettings(),
	}
	for path, into := range map[string]**config.File{q.meshConfig: &opt.Mesh, q.meshNetworks: &opt.Networks} {
		if path == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return validate.Answer{}, err
		}
		*into = &config.File{Name: path, Data: data}
	}
	return validate.Files(files, question, opt), nil
}

// What reading files may take before garbage is collected more often again.
const (
	littleMemory  = 160 << 20
	memoryPerByte = 64 // of text
)

// collectLess collects garbage half as often: the program ends after this, and
// collecting is a sixth of its work.
func collectLess(files []config.File) {
	bytes := 0
	for _, f := range files {
		bytes += len(f.Data)
	}
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(max(littleMemory, int64(bytes)*memoryPerByte))
}

// live asks the running mesh.
func (q *inquiry) live(cmd *cobra.Command, g *globals) (validate.Answer, error) {
	if q.partial || q.meshConfig != "" || q.meshNetworks != "" {
		return validate.Answer{}, misused(cmd, "--partial, --mesh-config and --mesh-networks are for files; name some")
	}
	suppress, err := suppressions(q.suppress)
	if err != nil {
		return validate.Answer{}, err
	}
	c, err := newClient(g)
	if err != nil {
		return validate.Answer{}, err
	}
	query := url.Values{}
	if q.namespace != "" {
		query.Set("namespace", q.namespace)
	}
	var findings []mesh.Finding
	if err := c.get(cmd.Context(), "/api/v1/findings", query, &findings); err != nil {
		return validate.Answer{}, unusable(err)
	}
	return validate.Live(findings, suppress), nil
}

// unusable makes an error one of a command that could not run.
func unusable(err error) error {
	var exit exitError
	if errors.As(err, &exit) {
		return exitError{exitUnusable, exit.err}
	}
	return err
}

// suppressions reads the values of --suppress: "CODE" or "CODE=Kind ns/name".
func suppressions(texts []string) ([]validate.Suppression, error) {
	var out []validate.Suppression
	for _, text := range texts {
		code, what, some := strings.Cut(text, "=")
		code = strings.ToUpper(strings.TrimSpace(code))
		known := validate.FindCodes(code)
		if len(known) == 0 {
			return nil, fmt.Errorf("--suppress: there is no code %q; `heddle checks` lists them", code)
		}
		if !slices.ContainsFunc(known, func(c validate.Code) bool { return !c.Fixed }) {
			return nil, fmt.Errorf("--suppress: %s cannot be kept quiet; correct what it names", code)
		}
		s := validate.Suppression{Code: code}
		if words := strings.Fields(what); some {
			if len(words) == 0 || len(words) > 2 {
				return nil, fmt.Errorf("--suppress: %q is not CODE or \"CODE=Kind namespace/name\"", text)
			}
			s.Kind = words[0]
			if len(words) == 2 {
				s.Name = words[1]
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// tell writes an answer, and fails when it is as bad as --fail-on says.
func (q *inquiry) tell(cmd *cobra.Command, a validate.Answer) error {
	w := cmd.OutOrStdout()
	var err error
	switch q.output.value {
	case "json":
		err = printJSON(w, recordsOf(a.Findings))
	case "sarif":
		err = printSARIF(w, buildVersion(), a.Findings)
	case "github":
		printGitHub(w, a.Findings)
	default:
		printLocated(w, a.Findings)
		fmt.Fprintln(cmd.ErrOrStderr(), summary(a))
	}
	if err != nil {
		return err
	}
	for _, l := range a.Findings {
		if validate.Rank(l.Severity) <= slices.Index(q.failOn.values, q.failOn.value) && q.failOn.value != "none" {
			return exitError{code: exitFailed}
		}
	}
	return nil
}
