package dashboards

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/prometheus/promql/parser"
)

// known are the metrics that boards may use: a misspelt one is a panel that is
// empty for ever.
var known = []string{
	"istio_requests_total", "istio_request_duration_milliseconds_bucket", "istio_request_bytes_bucket", "istio_response_bytes_bucket",
	"istio_tcp_sent_bytes_total", "istio_tcp_received_bytes_total", "istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total",
	"heddle_plaintext_requests_total",
	"heddle_xds_responses_total", "heddle_xds_resources_total", "heddle_xds_sent_bytes_total", "heddle_xds_rejects_total",
	"heddle_xds_streams", "heddle_xds_streams_behind", "heddle_xds_resources_made_total", "heddle_xds_resources_held", "heddle_xds_quarantined",
	"heddle_agent_control_plane_connected", "heddle_agent_certificate_expiry_timestamp_seconds", "heddle_agent_envoy_restarts_total",
	"envoy_server_memory_allocated",
	"process_resident_memory_bytes", "process_cpu_seconds_total", "go_memstats_heap_inuse_bytes", "go_goroutines", "up",
}

func boards(t *testing.T) []Board {
	t.Helper()
	list, err := Load(os.DirFS("../../grafana-dashboards"))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 4 {
		t.Fatalf("%d boards, want at least mesh, service, workload and control plane", len(list))
	}
	return list
}

func TestQueriesAreValid(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	queries := Queries(boards(t), Fill{})
	if len(queries) < 80 {
		t.Errorf("%d queries found", len(queries))
	}
	for _, q := range queries {
		expr, err := p.ParseExpr(q.Expr)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok && !slices.Contains(known, v.Name) {
				t.Errorf("%s: metric %q is not one of the mesh's", q, v.Name)
			}
			return nil
		})
	}
}

func TestBoardsCanBeImportedAsTheyAre(t *testing.T) {
	const source = "${datasource}"
	for _, b := range boards(t) {
		if b.SchemaVersion < 39 || b.Title == "" || b.UID != "" {
			t.Errorf("%s: schema version %d, title %q, uid %q", b.File, b.SchemaVersion, b.Title, b.UID)
		}
		var names []string
		for _, v := range b.Templating.List {
			names = append(names, v.Name)
			if v.Type == "query" && v.Datasource.UID != source {
				t.Errorf("%s: variable %s has data source %q", b.File, v.Name, v.Datasource.UID)
			}
		}
		if !slices.Contains(names, "datasource") {
			t.Errorf("%s: no variable for the data source", b.File)
		}
		for _, o := range b.Overlaps() {
			t.Errorf("%s: panels %s overlap", b.File, o)
		}
		ids := map[int]bool{}
		for _, p := range b.All() {
			if ids[p.ID] {
				t.Errorf("%s: panel ID %d is there twice", b.File, p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
				t.Errorf("%s: panel %q does not fit: %+v", b.File, p.Title, p.GridPos)
			}
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || len(p.Targets) == 0 || p.FieldConfig.Defaults.Unit == "" || p.Datasource.UID != source {
				t.Errorf("%s: panel %q lacks a title, query, unit or the data source variable", b.File, p.Title)
			}
			for _, q := range p.Targets {
				if q.Datasource.UID != source {
					t.Errorf("%s: panel %q query %s has data source %q", b.File, p.Title, q.RefID, q.Datasource.UID)
				}
				for _, m := range variables.FindAllStringSubmatch(intervals.ReplaceAllString(q.Expr, ""), -1) {
					if !slices.Contains(names, m[1]) {
						t.Errorf("%s: panel %q uses $%s, which is no variable of the board", b.File, p.Title, m[1])
					}
				}
			}
		}
	}
}

func TestCheckFindsEmptyAndFailingPanels(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch q := r.FormValue("query"); {
		case strings.Contains(q, "bad"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"no"}`)
		case strings.Contains(q, "nan"):
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]}]}}`)
		case strings.Contains(q, `good{a=~".*"}[30s]`):
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`)
		default:
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
		}
	}))
	defer server.Close()
	client, err := api.NewClient(api.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{"b.json": {Data: []byte(`{"title":"B","panels":[
		{"title":"good","targets":[{"refId":"A","expr":"rate(good{a=~\"$x\"}[$__rate_interval])"}]},
		{"title":"row","panels":[{"title":"empty","targets":[{"refId":"A","expr":"none"},{"refId":"B","expr":"nan"}]}]},
		{"title":"failing","targets":[{"refId":"A","expr":"bad"}]}]}`)}}
	problems, err := Check(t.Context(), promv1.NewAPI(client), folder, Fill{Interval: 30e9})
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 3 || !strings.Contains(problems[0], `panel "empty", query A: no data`) ||
		!strings.Contains(problems[1], "query B: no data") || !strings.Contains(problems[2], `panel "failing"`) {
		t.Errorf("problems: %q", problems)
	}
	if _, err := Check(t.Context(), promv1.NewAPI(client), fstest.MapFS{}, Fill{}); err == nil {
		t.Error("an empty folder: no error")
	}
}
