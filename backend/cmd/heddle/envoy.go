package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/xds/envoy"
)

func newEnvoy(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "envoy",
		Short: "The Envoy that proxies run",
		Args:  words(0, 0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "install",
		Short: "Put the pinned Envoy " + envoy.Pinned + " into the state folder",
		Args:  words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := filepath.Abs(g.state)
			if err != nil {
				return err
			}
			found, err := envoy.Install(cmd.Context(), state, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Envoy %s: %s\n", found.Version, found.Path)
			return nil
		},
	}, newEnvoyWhich(g))
	return cmd
}

func newEnvoyWhich(g *globals) *cobra.Command {
	var named string
	cmd := &cobra.Command{
		Use:   "which",
		Short: "Say which Envoy would be run",
		Args:  words(0, 0),
	}
	cmd.Flags().StringVar(&named, "envoy", "", "`path` of an Envoy to use instead")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		state, err := filepath.Abs(g.state)
		if err != nil {
			return err
		}
		found, err := envoy.Find(cmd.Context(), named, state)
		if err != nil {
			return exitError{exitFailed, err}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Envoy %s: %s\n", found.Version, found.Path)
		return nil
	}
	return cmd
}
