package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/config/schema"
	"github.com/heddle-mesh/heddle/xds/envoy"
)

func newVersion(g *globals) *cobra.Command {
	var features bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "The versions of this program and of the running control plane",
		Args:  words(0, 0),
	}
	cmd.Flags().BoolVar(&features, "features", false, "list every kind and field with whether it is supported yet")
	out := addOutput(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		w := cmd.OutOrStdout()
		if features {
			table := config.Features()
			if out.value == "json" {
				return printJSON(w, table)
			}
			rows := make([][]string, 0, len(table))
			for _, f := range table {
				rows = append(rows, []string{f.Kind.String(), f.Path, yesNo(f.Supported)})
			}
			printTable(w, []string{"kind", "field", "supported"}, rows)
			return nil
		}
		versions := map[string]string{"client": buildVersion(), "envoy": envoy.Pinned}
		if c, err := newClient(g); err == nil {
			var server struct{ Version string }
			if c.get(cmd.Context(), "/api/v1/version", nil, &server) == nil {
				versions["server"] = server.Version
			}
		}
		if out.value == "json" {
			return printJSON(w, versions)
		}
		fmt.Fprintf(w, "heddle %s\nEnvoy  %s\n", versions["client"], versions["envoy"])
		if err := schema.Built(); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", err)
		}
		if s := versions["server"]; s != "" {
			fmt.Fprintf(w, "server %s\n", s)
		}
		return nil
	}
	return cmd
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "not yet"
}
