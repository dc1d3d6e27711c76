package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/heddle-mesh/heddle/mesh/plain"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// printProxies is one line per proxy, or with details one per type.
func printProxies(w io.Writer, proxies []serve.ProxyStatus, details bool) error {
	if len(proxies) == 0 {
		fmt.Fprintln(w, "no proxy is connected")
		return nil
	}
	if details {
		return printProxyTypes(w, proxies)
	}
	var rows [][]string
	for _, p := range proxies {
		state := "synced"
		switch {
		case p.Stale:
			state = "stale"
		case !p.Settled:
			state = "pending"
		}
		row := []string{p.ID, string(p.Role), state}
		rejected := uint64(0)
		held := map[string]int{}
		for _, t := range p.Types {
			held[t.Type] = t.Held
			rejected += t.Rejected.Count
		}
		for _, t := range []string{xds.ClusterType, xds.EndpointType, xds.ListenerType, xds.RouteType, xds.VirtualHostType} {
			row = append(row, fmt.Sprint(held[t]))
		}
		rows = append(rows, append(row, fmt.Sprint(rejected), age(p.Connected)))
	}
	printFitted(w, []string{"routes", "listeners", "hosts", "endpoints", "clusters", "connected", "role"},
		[]string{"proxy", "role", "state", "clusters", "endpoints", "listeners", "routes", "hosts", "rejected", "connected"}, rows, nil, nil)
	return nil
}

func printProxyTypes(w io.Writer, proxies []serve.ProxyStatus) error {
	for _, p := range proxies {
		fmt.Fprintln(w, plain.Text(fmt.Sprintf("%s  %s, connected %s ago, revision %.12s", p.ID, p.Role, age(p.Connected), p.Revision)))
		var rows [][]string
		for _, t := range p.Types {
			rows = append(rows, []string{
				typeName(t.Type), fmt.Sprint(t.Held), fmt.Sprint(t.Sent.Responses), fmt.Sprint(t.Sent.Resources), fmt.Sprint(t.Sent.Bytes),
				fmt.Sprint(t.Acked.Count), fmt.Sprint(t.Rejected.Count),
			})
		}
		printTable(w, []string{"type", "holds", "responses", "resources", "bytes", "acked", "rejected"}, rows)
		for _, t := range p.Types {
			if t.Rejected.Count > 0 {
				printWrapped(w, "", "    ", fmt.Sprintf("%s rejected: %s", typeName(t.Type), strings.TrimSpace(t.Rejected.Resource+" "+t.Rejected.Words)))
			}
		}
	}
	return nil
}

// printProxyConfig lists the names in a dump of Envoy with one word on each.
// What has no good table is printed as JSON.
func printProxyConfig(w io.Writer, what string, dump json.RawMessage) error {
	var d struct {
		Configs []map[string]any `json:"configs"`
	}
	if err := json.Unmarshal(dump, &d); err != nil {
		return err
	}
	var rows [][]string
	for _, c := range d.Configs {
		if row := proxyConfigRow(what, c); row != nil {
			rows = append(rows, row)
		}
	}
	headers := map[string][]string{
		"clusters":  {"cluster", "type", "updated"},
		"listeners": {"listener", "address", "state"},
		"routes":    {"route configuration", "virtual hosts", "updated"},
		"endpoints": {"cluster", "endpoints"},
		"secrets":   {"secret", "updated"},
	}
	header, ok := headers[what]
	if !ok || len(rows) == 0 {
		return printJSON(w, dump)
	}
	printTable(w, header, rows)
	return nil
}

func proxyConfigRow(what string, c map[string]any) []string {
	switch what {
	case "clusters":
		return []string{cell(c, "cluster", "name"), cell(c, "cluster", "type"), cell(c, "last_updated")}
	case "listeners":
		state := "active"
		if dig(c, "warming_state") != nil && dig(c, "active_state") == nil {
			state = "warming"
		}
		if problem := cell(c, "error_state", "details"); problem != "" {
			state = "error: " + problem
		}
		address := cell(c, "active_state", "listener", "address", "socket_address", "address")
		return []string{cell(c, "name"), address + ":" + cell(c, "active_state", "listener", "address", "socket_address", "port_value"), state}
	case "routes":
		hosts, _ := dig(c, "route_config", "virtual_hosts").([]any)
		names := make([]string, 0, len(hosts))
		for _, h := range hosts {
			if m, ok := h.(map[string]any); ok {
				_, short, found := strings.Cut(cell(m, "name"), "/")
				if !found {
					short = cell(m, "name")
				}
				names = append(names, short)
			}
		}
		return []string{cell(c, "route_config", "name"), strings.Join(names, " "), cell(c, "last_updated")}
	case "endpoints":
		return []string{cell(c, "endpoint_config", "cluster_name"), strings.Join(endpointAddresses(c), " ")}
	case "secrets":
		return []string{cell(c, "name"), cell(c, "last_updated")}
	}
	return nil
}

func endpointAddresses(c map[string]any) []string {
	var out []string
	localities, _ := dig(c, "endpoint_config", "endpoints").([]any)
	for _, l := range localities {
		m, _ := l.(map[string]any)
		endpoints, _ := m["lb_endpoints"].([]any)
		for _, e := range endpoints {
			if em, ok := e.(map[string]any); ok {
				out = append(out, cell(em, "endpoint", "address", "socket_address", "address")+":"+cell(em, "endpoint", "address", "socket_address", "port_value"))
			}
		}
	}
	return out
}

// dig follows keys into nested objects; nil where one is absent.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func cell(v any, keys ...string) string {
	switch x := dig(v, keys...).(type) {
	case nil:
		return ""
	case string:
		return x
	default:
		return fmt.Sprint(x)
	}
}
