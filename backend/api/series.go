package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// Observation is what the API asks about the past.
type Observation interface {
	// Series reads the rates, durations and bytes of a subject.
	Series(ctx context.Context, s metrics.Subject, r metrics.Range) ([]metrics.Series, error)
	// Timeline reads what happened in each step of a range, in the mesh or in some
	// namespaces, and when services began to fail in it.
	Timeline(ctx context.Context, namespaces []string, r metrics.Range) ([]metrics.Bar, []graph.Transition, error)
}

// Bounds of series.
const (
	maxPoints = 1_000
	minStep   = time.Second
	maxRange  = 7 * 24 * time.Hour
)

type seriesInput struct {
	Kind            string    `query:"kind" required:"true" enum:"mesh,service,workload,app" doc:"What the series are about; of the mesh, a namespace is what is called in it"`
	Namespace       string    `query:"namespace" maxLength:"4096" doc:"Of the mesh there may be several, with commas between them"`
	Name            string    `query:"name" maxLength:"253" doc:"Of a service the name, or the host of one outside the mesh; not for the mesh"`
	Version         string    `query:"version" maxLength:"253" doc:"Only this version"`
	ByVersion       bool      `query:"byVersion" doc:"One line for each version"`
	Direction       string    `query:"direction" enum:"inbound,outbound" default:"inbound" doc:"Outbound only for workloads and applications"`
	SourceNamespace string    `query:"sourceNamespace" maxLength:"253" doc:"Only what is called from this namespace; unknown for callers of which nothing is known"`
	Source          []string  `query:"source,explode" maxItems:"100" doc:"Only what this workload of sourceNamespace calls; may be there several times"`
	Range           string    `query:"range" default:"1h" maxLength:"16" doc:"How far back, such as 15m; at most 168h"`
	Step            string    `query:"step" default:"30s" maxLength:"16" doc:"Time between points; at most 1,000 of them"`
	End             time.Time `query:"end" doc:"Of the range; now when it is left out"`
}

// SeriesAnswer are the lines of charts. All points lie at the same times.
type SeriesAnswer struct {
	Start  time.Time        `json:"start"`
	End    time.Time        `json:"end"`
	Step   float64          `json:"step" doc:"Seconds between points"`
	Series []metrics.Series `json:"series"`
}

type seriesOutput struct{ Body SeriesAnswer }

func (h *Handlers) series(ctx context.Context, in *seriesInput) (*seriesOutput, error) {
	r, err := rangeOf(in.Range, in.Step, in.End, time.Now())
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	subject := metrics.Subject{
		Kind: metrics.SubjectKind(in.Kind), Namespace: in.Namespace, Name: in.Name, Direction: metrics.Direction(in.Direction),
		Version: in.Version, ByVersion: in.ByVersion, SourceNamespace: in.SourceNamespace, Sources: in.Source,
	}
	if subject.Kind != metrics.Mesh && strings.Contains(in.Namespace, ",") {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "a "+in.Kind+" is of one namespace: only of the mesh may there be several")
	}
	switch subject.Kind {
	case metrics.Mesh:
		subject.Namespace, subject.Namespaces = "", namespacesOf(in.Namespace)
		if in.Name != "" || in.Version != "" || in.ByVersion {
			return nil, huma.NewError(http.StatusUnprocessableEntity, "the mesh has no name and no versions: leave name, version and byVersion out")
		}
	case metrics.Service:
		if subject.Name, err = h.hostOf(in.Namespace, in.Name); err != nil {
			return nil, err
		}
	default:
		if in.Name == "" || in.Namespace == "" {
			return nil, huma.NewError(http.StatusUnprocessableEntity, "say which "+in.Kind+": namespace and name")
		}
	}
	if subject.Direction == metrics.Outbound && (subject.Kind == metrics.Service || subject.Kind == metrics.Mesh) {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "only workloads and applications send: ask for one of them, or for direction=inbound")
	}
	switch {
	case slices.ContainsFunc(subject.Sources, func(name string) bool { return len(name) > 253 }):
		return nil, huma.NewError(http.StatusUnprocessableEntity, "no workload of source has a name of over 253 characters")
	case subject.SourceNamespace == "" && len(subject.Sources) > 0:
		return nil, huma.NewError(http.StatusUnprocessableEntity, "say in which namespace the source workloads are: sourceNamespace")
	case subject.SourceNamespace != "" && subject.Direction == metrics.Outbound:
		return nil, huma.NewError(http.StatusUnprocessableEntity, "what a workload sends has only itself as source: leave sourceNamespace and source out, or ask for direction=inbound")
	}
	list, err := h.mesh.Series(ctx, subject, r)
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "metrics cannot be read: "+err.Error())
	}
	for _, s := range list {
		for i := range s.Points {
			s.Points[i][1] = graph.Round3(s.Points[i][1])
		}
	}
	return &seriesOutput{SeriesAnswer{Start: r.Start, End: r.End, Step: r.Step.Seconds(), Series: list}}, nil
}

// namespacesOf reads names with commas between them.
func namespacesOf(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(name string) bool { return name == "" })
}

// hostOf is the host of a service by its namespace and name, or by its host.
func (h *Handlers) hostOf(namespace, name string) (string, error) {
	for s := range h.mesh.Snapshot().Services.Values() {
		if s.Host == name || s.Namespace == namespace && s.Name == name {
			return s.Host, nil
		}
	}
	return "", notFound("service " + namespace + "/" + name)
}

// rangeOf reads a range that ends now unless it says otherwise. Its points lie
// at whole multiples of the step.
func rangeOf(long, step string, end, now time.Time) (metrics.Range, error) {
	length, err := time.ParseDuration(long)
	if err != nil || length < minStep || length > maxRange {
		return metrics.Range{}, fmt.Errorf("range must be a duration from %s to %s, such as 1h", minStep, maxRange)
	}
	every, err := time.ParseDuration(step)
	if err != nil || every < minStep || every > length {
		return metrics.Range{}, fmt.Errorf("step must be a duration from %s to the range, such as 30s", minStep)
	}
	if length/every >= maxPoints {
		least := (length/(maxPoints-1) + time.Second).Truncate(time.Second)
		return metrics.Range{}, fmt.Errorf("a range of %s in steps of %s has more than %d points: choose steps of %s or more", length, every, maxPoints, least)
	}
	if end.IsZero() || end.After(now) {
		end = now
	}
	end = end.Truncate(every).UTC()
	return metrics.Range{Start: end.Add(-length.Truncate(every)), End: end, Step: every}, nil
}

type timelineInput struct {
	Namespace string `query:"namespace" maxLength:"4096" doc:"Only what is called in this namespace; there may be several, with commas between them"`
	Bars      int    `query:"bars" default:"120" minimum:"1" maximum:"500"`
	Step      string `query:"step" default:"30s" maxLength:"16" doc:"What one bar stands for"`
}

// TimelineAnswer is the recent past at one glance.
type TimelineAnswer struct {
	Step float64       `json:"step" doc:"Seconds of one bar"`
	Bars []metrics.Bar `json:"bars"`
	// Incidents are services that began to fail in this time, by time.
	Incidents []graph.Transition `json:"incidents"`
}

type timelineOutput struct{ Body TimelineAnswer }

func (h *Handlers) timeline(ctx context.Context, in *timelineInput) (*timelineOutput, error) {
	step, err := time.ParseDuration(in.Step)
	if err != nil || step < 5*time.Second || time.Duration(in.Bars)*step > maxRange {
		return nil, huma.NewError(http.StatusUnprocessableEntity, fmt.Sprintf("step must be a duration of 5s or more, such as 30s, and all bars together at most %s", maxRange))
	}
	end := time.Now().Truncate(step).UTC()
	r := metrics.Range{Start: end.Add(-time.Duration(in.Bars-1) * step), End: end, Step: step}
	bars, incidents, err := h.mesh.Timeline(ctx, namespacesOf(in.Namespace), r)
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "metrics cannot be read: "+err.Error())
	}
	for i := range bars {
		bars[i].ErrorShare, bars[i].RPS = graph.Round3(bars[i].ErrorShare), graph.Round3(bars[i].RPS)
	}
	return &timelineOutput{TimelineAnswer{Step: step.Seconds(), Bars: bars, Incidents: incidents}}, nil
}
