package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/mesh/validate"
)

// checkRow is a code as `heddle checks -o json` shows it.
type checkRow struct {
	Code     string            `json:"code"`
	Severity string            `json:"severity"`
	SameAs   []string          `json:"sameAs,omitempty"`
	Needs    []validate.Aspect `json:"needs,omitempty"`
	Message  string            `json:"message"`
	Why      string            `json:"why"`
	Fix      string            `json:"fix"`
	Example  string            `json:"example"`
}

func newChecks() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "checks [CODE]",
		Short: "What is checked, and what a code means",
		Long: `Lists every code that a finding can have, or explains one. A code of istioctl
analyze or of Kiali finds the one that means the same.`,
		Example: `  heddle checks
  heddle checks HDL2101
  heddle checks IST0101 --lang zh`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var codes []string
			for _, c := range validate.Codes() {
				codes = append(codes, c.Code)
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().StringVar(&lang, "lang", validate.Languages[0], "`language` of the words: "+joinOr(validate.Languages))
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(validate.Languages, lang) {
			return fmt.Errorf("there are no words in %q; use %s", lang, joinOr(validate.Languages))
		}
		codes := validate.Codes()
		if len(args) == 1 {
			if codes = validate.FindCodes(strings.ToUpper(args[0])); len(codes) == 0 {
				return fmt.Errorf("there is no code %s; `heddle checks` lists them", args[0])
			}
		}
		rows := make([]checkRow, len(codes))
		for i, c := range codes {
			rows[i] = rowOf(c, lang)
		}
		w := cmd.OutOrStdout()
		switch {
		case out.value == "json":
			return printJSON(w, rows)
		case len(args) == 1:
			for i, r := range rows {
				if i > 0 {
					fmt.Fprintln(w)
				}
				explainCheck(w, r)
			}
		default:
			table := make([][]string, len(rows))
			for i, r := range rows {
				table[i] = []string{r.Code, r.Severity, strings.Join(r.SameAs, " "), r.Message}
			}
			printTable(w, []string{"code", "severity", "same as", "message"}, table)
		}
		return nil
	}
	return cmd
}

func rowOf(c validate.Code, lang string) checkRow {
	words, _ := validate.WordsOf(lang, c.Code)
	english, _ := validate.WordsOf(validate.Languages[0], c.Code)
	return checkRow{
		Code: c.Code, Severity: string(c.Severity), SameAs: c.SameAs, Needs: c.Needs,
		Message: words.Message, Why: words.Why, Fix: words.Fix, Example: english.Example,
	}
}

func explainCheck(w io.Writer, r checkRow) {
	fmt.Fprintf(w, "%s (%s)  %s\n\n", r.Code, r.Severity, r.Message)
	fmt.Fprintf(w, "Why      %s\n", r.Why)
	fmt.Fprintf(w, "Fix      %s\n", r.Fix)
	if len(r.SameAs) > 0 {
		fmt.Fprintf(w, "Same as  %s\n", strings.Join(r.SameAs, ", "))
	}
	if len(r.Needs) > 0 {
		needs := make([]string, len(r.Needs))
		for i, a := range r.Needs {
			needs[i] = string(a)
		}
		fmt.Fprintf(w, "Needs    what the running mesh shows: %s\n", strings.Join(needs, ", "))
	}
	fmt.Fprintf(w, "\nExample\n\n")
	for line := range strings.Lines(r.Example) {
		fmt.Fprint(w, "  "+line)
	}
}
