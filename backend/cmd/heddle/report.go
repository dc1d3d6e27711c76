package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/plain"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// record is a finding as -o json shows it; a list of them is a stable format.
type record struct {
	Code         string        `json:"code"`
	SameAs       []string      `json:"sameAs"`
	Severity     mesh.Severity `json:"severity"`
	Object       string        `json:"object"`
	File         string        `json:"file"`
	DocumentLine int           `json:"documentLine"`
	Line         int           `json:"line"`
	Column       int           `json:"column"`
	Path         string        `json:"path"`
	Message      string        `json:"message"`
	Fix          []mesh.Edit   `json:"fix"`
}

func recordsOf(list []validate.Located) []record {
	out := make([]record, len(list))
	for i, l := range list {
		out[i] = record{
			Code: l.Code, SameAs: emptyNotNull(l.SameAs), Severity: l.Severity, Object: l.Object,
			File: l.File, DocumentLine: l.DocumentLine, Line: l.Line, Column: l.Column,
			Path: l.Path, Message: l.Message, Fix: emptyNotNull(l.Fix),
		}
	}
	return out
}

func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// printLocated writes findings one below the other, the place first, as
// compilers do. Where a code stands first, it is said what will happen and what to
// do.
func printLocated(w io.Writer, list []validate.Located) {
	said := map[string]bool{}
	for _, l := range list {
		fmt.Fprintln(w, paint(w, l.Severity, locatedLine(l)))
		words, ok := validate.Explained(validate.Languages[0], l.Code, l.Params)
		if ok && !said[l.Code] && l.Severity != mesh.Info {
			printWrapped(w, "    ", "    ", words.Why+" "+words.Fix)
		}
		said[l.Code] = true
	}
}

// locatedLine is findingLine with the object named as its document names it.
func locatedLine(l validate.Located) string {
	place := l.File
	if place != "" && l.Line > 0 {
		place += ":" + strconv.Itoa(l.Line)
		if l.Column > 0 {
			place += ":" + strconv.Itoa(l.Column)
		}
	}
	if place != "" {
		place += ": "
	}
	subject := l.Object
	if subject != "" && l.Path != "" {
		subject += " " + l.Path
	}
	if subject != "" {
		subject += ": "
	}
	from := ""
	if l.Template != "" {
		from = " (from " + l.Template + ")"
	}
	return fmt.Sprintf("%s%s %s: %s%s%s", place, l.Severity, l.Code, subject, l.Message, from)
}

// summary says how much was looked at, and how bad it is.
func summary(a validate.Answer) string {
	count := map[mesh.Severity]int{}
	for _, l := range a.Findings {
		count[l.Severity]++
	}
	var parts []string
	for _, s := range []mesh.Severity{mesh.Error, mesh.Warning, mesh.Info} {
		word := string(s)
		if s == mesh.Info {
			word = "note"
		}
		if n := count[s]; n > 0 {
			parts = append(parts, counted(n, word))
		}
	}
	text := strings.Join(parts, ", ")
	if text == "" {
		text = "nothing is wrong"
	}
	if a.Objects > 0 {
		text += " in " + counted(a.Objects, "object")
	}
	if n := len(a.Suppressed); n > 0 {
		text += fmt.Sprintf("; %d kept quiet", n)
	}
	for _, why := range []struct {
		words string
		is    func(u validate.Unknown) bool
	}{
		{"could not tell without the live mesh", func(u validate.Unknown) bool { return len(u.Needs) > 0 }},
		{"could not tell without the other objects", func(u validate.Unknown) bool { return len(u.Needs) == 0 && !u.Effort }},
		{"broken off, for too many objects have to do with each other", func(u validate.Unknown) bool { return u.Effort }},
	} {
		var codes []string
		for _, u := range a.Unknown {
			if why.is(u) && !slices.Contains(codes, u.Code) {
				codes = append(codes, u.Code)
			}
		}
		if len(codes) > 0 {
			text += "; " + counted(len(codes), "check") + " " + why.words + ": " + strings.Join(codes, ", ")
		}
	}
	return text
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// about is the message with the object that it is about.
func about(l validate.Located) string {
	if l.Object == "" {
		return l.Message
	}
	return l.Object + ": " + l.Message
}

// printGitHub writes findings as workflow commands, which GitHub shows beside
// the lines of a pull request. They also stand in the log of the run, which is
// read on terminals.
func printGitHub(w io.Writer, list []validate.Located) {
	level := map[mesh.Severity]string{mesh.Error: "error", mesh.Warning: "warning", mesh.Info: "notice"}
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for _, l := range list {
		place := ""
		if l.File != "" {
			place = " file=" + property.Replace(plain.Text(l.File))
			if l.Line > 0 {
				place += fmt.Sprintf(",line=%d", l.Line)
			}
			if l.Column > 0 {
				place += fmt.Sprintf(",col=%d", l.Column)
			}
			place += ",title=" + property.Replace(plain.Text(l.Code))
		} else {
			place = " title=" + property.Replace(plain.Text(l.Code))
		}
		fmt.Fprintf(w, "::%s%s::%s\n", level[l.Severity], place, data.Replace(plain.Lines(about(l)+fixWords(l))))
	}
}

// fixWords say on a line of its own what mends a finding; empty where nothing can
// be said that the message does not say.
func fixWords(l validate.Located) string {
	words, ok := validate.Explained(validate.Languages[0], l.Code, l.Params)
	if !ok || words.Fix == "" {
		return ""
	}
	return "\nFix: " + words.Fix
}

// The parts of SARIF 2.1.0 that findings need; see the OASIS specification,
// sections 3.13 to 3.30.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		FullDescription  sarifText `json:"fullDescription"`
		Help             sarifText `json:"help"`
		Default          struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
		Properties struct {
			Tags []string `json:"tags,omitempty"`
		} `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// printSARIF writes findings in the format that code scanning services read.
func printSARIF(w io.Writer, version string, list []validate.Located) error {
	level := map[mesh.Severity]string{mesh.Error: "error", mesh.Warning: "warning", mesh.Info: "note"}
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "heddle", Version: version, Rules: []sarifRule{}}
	index := map[string]int{}
	for _, l := range list {
		if _, known := index[l.Code]; !known {
			index[l.Code] = len(run.Tool.Driver.Rules)
			words, _ := validate.WordsOf(validate.Languages[0], l.Code)
			rule := sarifRule{
				ID: l.Code, ShortDescription: sarifText{words.Message},
				FullDescription: sarifText{words.Why}, Help: sarifText{words.Fix},
			}
			rule.Default.Level = level[l.Severity]
			rule.Properties.Tags = l.SameAs
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
		}
		place := sarifLocation{Logical: []sarifLogical{{FullyQualifiedName: l.Object, Kind: "object"}}}
		if l.File != "" {
			place.Physical = &sarifPhysical{}
			place.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(l.File)}).String()
			if l.Line > 0 {
				place.Physical.Region = &sarifRegion{StartLine: l.Line, StartColumn: l.Column}
			}
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: l.Code, RuleIndex: index[l.Code], Level: level[l.Severity],
			Message: sarifText{about(l)}, Locations: []sarifLocation{place},
		})
	}
	return printJSON(w, sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}
