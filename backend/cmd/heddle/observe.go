package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

func newGraph(g *globals) *cobra.Command {
	var namespace string
	var window time.Duration
	var idle bool
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Who talks to whom, with the figures",
		Args:  words(0, 0),
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "only this `namespace` and what it talks to")
	kind := choice{value: string(graph.ByVersionedApp)}
	for _, t := range graph.Types() {
		kind.values = append(kind.values, string(t))
	}
	cmd.Flags().Var(&kind, "type", "what a `node` stands for: "+joinOr(kind.values))
	cmd.Flags().DurationVar(&window, "window", 30*time.Second, "rates are means over this time")
	cmd.Flags().BoolVar(&idle, "idle", true, "show what has no traffic")
	out := addOutput(cmd, "tree", "table", "json", "dot")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		query := url.Values{"type": {kind.value}, "window": {window.String()}, "idle": {strconv.FormatBool(idle)}}
		if namespace != "" {
			query.Set("namespace", namespace)
		}
		var gr graph.Graph
		if err := c.get(cmd.Context(), "/api/v1/graph", query, &gr); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		switch out.value {
		case "json":
			return printJSON(w, gr)
		case "dot":
			err = graph.Dot(w, &gr)
		case "table":
			err = graph.Table(w, &gr, width(w))
		default:
			err = graph.Tree(w, &gr, width(w))
		}
		return err
	}
	return cmd
}

func newFindings(g *globals) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use:   "findings",
		Short: "What is wrong in the mesh, and what to do",
		Args:  words(0, 0),
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "only this `namespace`")
	out := addOutput(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		query := url.Values{}
		if namespace != "" {
			query.Set("namespace", namespace)
		}
		var findings []mesh.Finding
		if err := c.get(cmd.Context(), "/api/v1/findings", query, &findings); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if out.value == "json" {
			if err := printJSON(w, findings); err != nil {
				return err
			}
		} else {
			for _, f := range findings {
				printFinding(w, f)
			}
			if len(findings) == 0 {
				fmt.Fprintln(w, "nothing is wrong")
			}
		}
		if slices.ContainsFunc(findings, func(f mesh.Finding) bool { return f.Severity == mesh.Error }) {
			return exitError{code: exitFailed}
		}
		return nil
	}
	return cmd
}

func newProxyStatus(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proxy-status [PROXY]",
		Short: "What each proxy was sent, took and refused",
		Args:  words(0, 1),
	}
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		var proxies []serve.ProxyStatus
		if err := c.get(cmd.Context(), "/api/v1/proxies", nil, &proxies); err != nil {
			return err
		}
		if len(args) == 1 {
			kept := proxies[:0]
			for _, p := range proxies {
				if p.ID == args[0] || p.UID == args[0] || strings.HasPrefix(p.ID, args[0]) {
					kept = append(kept, p)
				}
			}
			if proxies = kept; len(proxies) == 0 {
				return exitError{exitFailed, fmt.Errorf("no proxy is called %q; `heddle proxy-status` lists them", args[0])}
			}
		}
		w := cmd.OutOrStdout()
		if out.value == "json" {
			return printJSON(w, proxies)
		}
		return printProxies(w, proxies, len(args) == 1)
	}
	return cmd
}

func newProxyConfig(g *globals) *cobra.Command {
	whats := []string{"listeners", "routes", "clusters", "endpoints", "secrets", "bootstrap", "all", "stats"}
	cmd := &cobra.Command{
		Use:       "proxy-config WHAT PROXY",
		Short:     "What a proxy holds: " + strings.Join(whats, ", "),
		Example:   "  heddle proxy-config routes productpage-v1",
		Args:      words(2, 2),
		ValidArgs: whats,
	}
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(whats, args[0]) && slices.Contains(whats, args[1]) {
			return fmt.Errorf("what comes before the proxy: `heddle proxy-config %s %s`", args[1], args[0])
		}
		if !slices.Contains(whats, args[0]) {
			return misused(cmd, "%q is nothing that a proxy holds; ask for %s", args[0], joinOr(whats))
		}
		c, err := newClient(g)
		if err != nil {
			return err
		}
		var dump json.RawMessage
		if err := c.get(cmd.Context(), "/api/v1/proxies/"+url.PathEscape(args[1])+"/config/"+url.PathEscape(args[0]), nil, &dump); err != nil {
			return err
		}
		if out.value == "json" {
			return printJSON(cmd.OutOrStdout(), dump)
		}
		return printProxyConfig(cmd.OutOrStdout(), args[0], dump)
	}
	return cmd
}

func newExplain(g *globals) *cobra.Command {
	var from string
	var headers []string
	cmd := &cobra.Command{
		Use:     "explain METHOD URL --from WORKLOAD",
		Short:   "Where a request would go, and which objects decide it",
		Example: "  heddle explain GET http://reviews:9080/reviews/0 --from productpage-v1 -H end-user:jason",
		Args:    words(2, 2),
	}
	cmd.Flags().StringVar(&from, "from", "", "`workload` or pod that calls")
	cmd.Flags().StringArrayVarP(&headers, "header", "H", nil, "request `header`, name:value")
	out := addOutput(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if from == "" {
			return misused(cmd, "say who calls with --from")
		}
		c, err := newClient(g)
		if err != nil {
			return err
		}
		h := map[string]string{}
		for _, line := range headers {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return misused(cmd, "header %q is not name:value", line)
			}
			h[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
		target := args[1]
		if !strings.Contains(target, "://") {
			target = "http://" + target
		}
		body := map[string]any{"method": strings.ToUpper(args[0]), "url": target, "from": from, "headers": h}
		var answer simulate.Answer
		if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/explain", nil, body, &answer); err != nil {
			return err
		}
		if out.value == "json" {
			return printJSON(cmd.OutOrStdout(), answer)
		}
		printAnswer(cmd.OutOrStdout(), &answer)
		return nil
	}
	return cmd
}

func newTraces(g *globals) *cobra.Command {
	var service string
	var limit int
	cmd := &cobra.Command{
		Use:   "traces [ID]",
		Short: "Recent traces, or one as a waterfall",
		Args:  words(0, 1),
	}
	cmd.Flags().StringVar(&service, "service", "", "only traces through this `service`, such as reviews or reviews.default")
	cmd.Flags().IntVar(&limit, "limit", 20, "at most this `number`")
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := newClient(g)
		if err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if len(args) == 1 {
			var t traces.Trace
			if err := c.get(cmd.Context(), "/api/v1/traces/"+url.PathEscape(args[0]), nil, &t); err != nil {
				return err
			}
			if out.value == "json" {
				return printJSON(w, t)
			}
			printWaterfall(w, t)
			return nil
		}
		query := url.Values{"limit": {strconv.Itoa(limit)}}
		if service != "" {
			query.Set("service", service)
		}
		var found []*traces.Trace
		if err := c.get(cmd.Context(), "/api/v1/traces", query, &found); err != nil {
			return err
		}
		if out.value == "json" {
			return printJSON(w, found)
		}
		if len(found) == 0 {
			return exitError{exitFailed, noTraces(cmd.Context(), c, service)}
		}
		printTraces(w, found)
		return nil
	}
	return cmd
}

// noTraces says why nothing was found: of a service that is not known, which ones
// are.
func noTraces(ctx context.Context, c *client, service string) error {
	none := errors.New("there are no traces yet")
	if service == "" {
		return none
	}
	var known []string
	if err := c.get(ctx, "/api/v1/traces/services", nil, &known); err != nil {
		return err
	}
	if len(known) == 0 || slices.ContainsFunc(known, func(s string) bool { return s == service || strings.HasPrefix(s, service+".") }) {
		return none
	}
	return fmt.Errorf("there are no traces of a service %q; there are of %s", service, strings.Join(known, ", "))
}

// typeName is the short name of a resource type: "Cluster".
func typeName(url string) string { return url[strings.LastIndexByte(url, '.')+1:] }
