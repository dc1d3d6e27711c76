package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/agent"
)

func newAgent(*globals) *cobra.Command {
	o := agent.Options{Listen: agent.DefaultListen()}
	var role, level string
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run an Envoy and stand beside it, in a pod",
		Args:  words(0, 0),
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "the pod's own `folder`")
	f.StringVar(&role, "role", string(xds.Sidecar), "sidecar or gateway")
	f.StringVar(&o.Envoy, "envoy", "", "`path` of Envoy")
	f.IntVar(&o.Mark, "mark", 0, "socket `mark` of Envoy's own connections")
	f.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	_ = cmd.MarkFlagRequired("dir")
	_ = cmd.MarkFlagRequired("envoy")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.FromEnv(os.Getenv); err != nil {
			return err
		}
		o.Role, o.Log = xds.Role(role), newLogger(level)
		return agent.Run(cmd.Context(), o)
	}
	return cmd
}
