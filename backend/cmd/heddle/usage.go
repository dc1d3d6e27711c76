package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/mesh/config"
)

// explainMistakes makes a command and all below it say how they are used when
// they were called with the wrong words.
func explainMistakes(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := err.Error()
		// What the library says of numbers and durations is for programmers.
		for _, words := range []string{": strconv.", ": time: "} {
			text, _, _ = strings.Cut(text, words)
		}
		return misused(c, "%s", text)
	})
	for _, c := range cmd.Commands() {
		explainMistakes(c)
	}
}

// misused is what to say when a command was called with the wrong words.
func misused(c *cobra.Command, format string, args ...any) error {
	return fmt.Errorf("%s\nusage: %s\n`%s --help` says more", fmt.Sprintf(format, args...), c.UseLine(), c.CommandPath())
}

// words checks the number of arguments of a command.
func words(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > most && most == 0:
			return misused(c, "%q is too much", args[0])
		case len(args) > most:
			return misused(c, "%q is one word too many", args[most])
		case len(args) < least:
			return misused(c, "something is missing")
		}
		return nil
	}
}

// unknownCommand says which commands are named nearly like what was typed.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; did you mean `heddle %s`?", args[0], strings.Join(near, "` or `heddle "))
	}
	return fmt.Errorf("there is no command %q; `heddle --help` lists them", args[0])
}

// kindOf understands the kind that a person named: vs, virtualservice,
// virtualservices.networking.istio.io.
func kindOf(word string) (config.KindInfo, error) {
	found := config.Find(word)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		names := make([]string, len(found))
		for i, k := range found {
			names[i] = k.Plural + "." + k.Group
		}
		return config.KindInfo{}, fmt.Errorf("%q is the name of several kinds: say %s", word, strings.Join(names, " or "))
	case strings.Contains(word, ","):
		return config.KindInfo{}, errors.New("name one kind at a time")
	}
	var near []string
	for _, k := range config.Kinds {
		if len(word) >= 2 && strings.HasPrefix(k.Plural, strings.ToLower(word[:min(len(word), 4)])) {
			near = append(near, k.Plural)
		}
	}
	text := fmt.Sprintf("there is no kind %q", word)
	if slices.Sort(near); len(near) > 0 {
		return config.KindInfo{}, fmt.Errorf("%s; did you mean %s?", text, strings.Join(near, " or "))
	}
	return config.KindInfo{}, fmt.Errorf("%s; `heddle get` lists the kinds", text)
}

// kindsTable lists the kinds with their short names.
func kindsTable() [][]string {
	var rows [][]string
	for _, k := range config.Kinds {
		rows = append(rows, []string{k.Plural, strings.Join(k.Short, ","), k.APIVersion()})
	}
	slices.SortFunc(rows, slices.Compare)
	return rows
}
