package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/conditional"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Object is one declared object. Its text is the truth; Spec repeats it as JSON.
type Object struct {
	Ref      mesh.Ref          `json:"ref"`
	ETag     string            `json:"etag"`
	Labels   map[string]string `json:"labels,omitempty"`
	YAML     string            `json:"yaml"`
	Spec     json.RawMessage   `json:"spec,omitempty"`
	Origin   mesh.Origin       `json:"origin"`
	Findings []mesh.Finding    `json:"findings,omitempty"`
}

// Kind is a kind of object as people name it.
type Kind struct {
	Kind       string   `json:"kind"`
	Group      string   `json:"group"`
	Versions   []string `json:"versions"`
	Plural     string   `json:"plural"`
	ShortNames []string `json:"shortNames,omitempty"`
	Namespaced bool     `json:"namespaced"`
}

type kindsOutput struct{ Body []Kind }

func (h *Handlers) kinds(context.Context, *struct{}) (*kindsOutput, error) {
	out := &kindsOutput{}
	for _, k := range config.Kinds {
		out.Body = append(out.Body, Kind{Kind: k.Name, Group: k.Group, Versions: k.Versions, Plural: k.Plural, ShortNames: k.Short, Namespaced: k.Namespaced})
	}
	return out, nil
}

// kindOf understands what people type: vs, virtualservice, virtualservices.networking.istio.io.
func kindOf(word string) (config.KindInfo, error) {
	found := config.Find(word)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return config.KindInfo{}, huma.NewError(http.StatusNotFound, fmt.Sprintf("kind %q is not known; GET /api/v1/kinds lists the kinds", word))
	}
	names := make([]string, len(found))
	for i, k := range found {
		names[i] = k.Plural + "." + k.Group
	}
	return config.KindInfo{}, huma.NewError(http.StatusConflict, fmt.Sprintf("%q is the name of several kinds: say %s", word, strings.Join(names, " or ")))
}

type listInput struct {
	Kind      string `path:"kind" maxLength:"128"`
	Namespace string `query:"namespace" maxLength:"253"`
	Page
}

type listOutput struct {
	Link string `header:"Link"`
	Body []Object
}

func (h *Handlers) listObjects(ctx context.Context, in *listInput) (*listOutput, error) {
	kind, err := kindOf(in.Kind)
	if err != nil {
		return nil, err
	}
	objects, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	var list []*mesh.Object
	for o := range objects.Values() {
		if o.Kind == kind.Kind && (in.Namespace == "" || o.Namespace == in.Namespace) {
			list = append(list, o)
		}
	}
	out := &listOutput{Body: []Object{}}
	list, out.Link, err = cut(in.Page, "/api/v1/config/"+url.PathEscape(in.Kind), url.Values{"namespace": {in.Namespace}}, list,
		func(o *mesh.Object) mesh.Ref { return o.Ref }, func(o *mesh.Object, after mesh.Ref) int { return o.Compare(after) })
	if err != nil {
		return nil, err
	}
	all := h.mesh.Findings()
	for _, o := range list {
		out.Body = append(out.Body, objectOf(ctx, o, all))
	}
	return out, nil
}

// ObjectPath names an object in a path. It is exported for huma, which fills in
// only embedded structs that are.
type ObjectPath struct {
	Kind      string `path:"kind" maxLength:"128"`
	Namespace string `path:"namespace" maxLength:"253" doc:"_ for objects without namespace"`
	Name      string `path:"name" maxLength:"253"`
}

func (in *ObjectPath) ref() (mesh.Ref, error) {
	kind, err := kindOf(in.Kind)
	if err != nil {
		return mesh.Ref{}, err
	}
	ref := mesh.Ref{Kind: kind.Kind, Namespace: in.Namespace, Name: in.Name}
	if !kind.Namespaced {
		ref.Namespace = ""
	}
	return ref, nil
}

type objectInput struct {
	ObjectPath
	conditional.Params
}

type objectOutput struct {
	ETag string `header:"ETag"`
	Body Object
}

func (h *Handlers) object(ctx context.Context, in *objectInput) (*objectOutput, error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	o, err := h.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	if in.HasConditionalParams() {
		if err := in.PreconditionFailed(tagOf(ctx, o), time.Time{}); err != nil {
			return nil, err
		}
	}
	return outputOf(objectOf(ctx, o, h.mesh.Findings())), nil
}

func outputOf(body Object) *objectOutput {
	out := &objectOutput{Body: body}
	if body.ETag != "" {
		out.ETag = `"` + body.ETag + `"`
	}
	return out
}

// tagOf is the version of an object for who asks. That of a Secret is a digest of
// its content, by which a guess at that could be tried out anywhere: only the owner,
// who may write it, is told.
func tagOf(ctx context.Context, o *mesh.Object) string {
	if o.Kind == mesh.KindSecret && auth.Require(ctx, OwnerOnly, "") != nil {
		return ""
	}
	return o.Version
}

// find is one object, or the problem that there is none.
func (h *Handlers) find(ctx context.Context, ref mesh.Ref) (*mesh.Object, error) {
	objects, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	o, ok := objects.Get(ref)
	if !ok {
		return nil, notFound(ref.String())
	}
	return o, nil
}

// objectOf shows an object with those of all findings that are about it.
func objectOf(ctx context.Context, o *mesh.Object, all []mesh.Finding) Object {
	out := Object{Ref: o.Ref, ETag: tagOf(ctx, o), Labels: o.Labels, Origin: o.Origin}
	if o.Kind == mesh.KindSecret {
		// A secret's content is nobody's to read back.
		out.YAML = fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n# content is not shown\n", o.Name, o.Namespace)
		return out
	}
	if o.Text != nil {
		out.YAML = string(o.Text) // as it was written, comments included
	} else if text, err := config.Encode(o); err == nil {
		out.YAML = string(text)
	}
	if spec, err := config.SpecJSON(o); err == nil {
		out.Spec = spec
	}
	for _, f := range all {
		if f.Ref == o.Ref {
			out.Findings = append(out.Findings, f)
		}
	}
	return out
}

// Manifest is text with objects, and where a person has it from.
type Manifest struct {
	File string `json:"file" maxLength:"4096" doc:"Path as the person named it; findings repeat it"`
	Text string `json:"text" maxLength:"4194304"`
}

// maxSettle bounds how long a writer may ask to wait for the proxies.
const maxSettle = 30 * time.Second

type applyInput struct {
	Settle string `query:"settle" default:"0s" doc:"Wait so long at most for the proxies to take it, such as 1500ms, and tell what is wrong then"`
	Body   struct {
		Manifests []Manifest `json:"manifests" minItems:"1" maxItems:"500"`
		DryRun    bool       `json:"dryRun,omitempty"`
		Force     bool       `json:"force,omitempty" doc:"Write even what would add errors to the mesh"`
	}
}

// Applied says what became of one object.
type Applied struct {
	Ref    mesh.Ref `json:"ref"`
	Result string   `json:"result" enum:"created,configured,unchanged"`
}

type applyOutput struct {
	Body struct {
		Applied []Applied `json:"applied"`
		// Findings are warnings about the manifests, since errors refuse the whole
		// request. After settling, they are also all those on the objects, and
		// those on others that are new.
		Findings []mesh.Finding `json:"findings"`
	}
}

func (h *Handlers) apply(ctx context.Context, in *applyInput) (*applyOutput, error) {
	settle, err := time.ParseDuration(in.Settle)
	if err != nil || settle < 0 || settle > maxSettle {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "settle must be a duration up to 30s, such as 1500ms")
	}
	var objects []*mesh.Object
	var findings []mesh.Finding
	from := map[mesh.Ref]string{}
	for _, m := range in.Body.Manifests {
		r := config.Decode(m.File, []byte(m.Text))
		findings = append(findings, r.Problems...)
		for _, o := range r.Objects {
			if before, twice := from[o.Ref]; twice {
				findings = append(findings, mesh.Finding{
					Code: mesh.CodeDuplicate, Severity: mesh.Error, Phase: mesh.PhaseDecode, Ref: o.Ref, File: m.File, Line: o.Origin.Line,
					Message: fmt.Sprintf("the object is already in %s; keep one of them", before),
				})
			}
			from[o.Ref] = m.File
			objects = append(objects, o)
		}
	}
	for _, f := range findings {
		if f.Severity == mesh.Error {
			return nil, refuse("nothing was written", findings)
		}
	}
	if len(objects) == 0 {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "the manifests hold no object")
	}
	if in.Body.DryRun {
		err = mayTryOut(ctx, refsOf(objects)...)
	} else {
		err = h.mayWrite(ctx, refsOf(objects)...)
	}
	if err != nil {
		return nil, err
	}
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	findings = append(findings, undeclared(objects, from, present)...)
	out := &applyOutput{}
	out.Body.Findings = append([]mesh.Finding{}, findings...)
	var changes []source.Change
	for _, o := range objects {
		result := "created"
		if old, ok := present.Get(o.Ref); ok {
			result = "configured"
			if bytes.Equal(bytes.TrimSpace(old.Text), bytes.TrimSpace(o.Text)) {
				result = "unchanged"
			}
		}
		out.Body.Applied = append(out.Body.Applied, Applied{o.Ref, result})
		if result != "unchanged" {
			changes = append(changes, source.Change{Ref: o.Ref, Text: o.Text, Expect: source.Any, From: from[o.Ref]})
		}
	}
	added, err := h.weigh(ctx, weighing{objects: objects, manifests: in.Body.Manifests, force: in.Body.Force, dryRun: in.Body.DryRun})
	if err != nil {
		h.note(ctx, history.By{}, refsOf(objects), "", false, nil, err)
		return nil, err
	}
	if in.Body.DryRun {
		out.Body.Findings = told(append(out.Body.Findings, added...))
		return out, nil
	}
	before := h.mesh.Findings()
	if len(changes) > 0 {
		if err := h.write(ctx, changes, in.Body.Force, added); err != nil {
			return nil, err
		}
	}
	endTurn(ctx)
	if settle > 0 {
		waiting, done := context.WithTimeout(ctx, settle)
		defer done()
		h.mesh.Settle(waiting, objects)
		out.Body.Findings = told(append(out.Body.Findings, consequences(objects, in.Body.Manifests, findings, before, h.mesh.Findings())...))
	}
	return out, nil
}

// undeclared warns of namespaces of objects that nothing declares, neither what
// is present nor the objects themselves; once for each, at its first object. The
// namespaces that every cluster has need no declaration.
func undeclared(objects []*mesh.Object, from map[mesh.Ref]string, present mesh.Table[mesh.Ref, *mesh.Object]) []mesh.Finding {
	known := map[string]bool{"": true, "default": true, mesh.DefaultSettings().RootNamespace: true}
	for _, o := range objects {
		switch o.Kind {
		case mesh.KindNamespace:
			known[o.Name] = true
		case mesh.KindService, mesh.KindDeployment, mesh.KindPod:
			known[o.Namespace] = true // the cluster makes the namespace of what runs
		}
	}
	var out []mesh.Finding
	for _, o := range objects {
		if known[o.Namespace] {
			continue
		}
		known[o.Namespace] = true
		if _, ok := present.Get(mesh.Ref{Kind: mesh.KindNamespace, Name: o.Namespace}); ok {
			continue
		}
		out = append(out, mesh.Finding{
			Code: mesh.CodeNoNamespace, Severity: mesh.Warning, Phase: mesh.PhaseCheck, Ref: o.Ref, Path: "metadata.namespace",
			File: from[o.Ref], Line: o.Origin.Line, Params: map[string]string{"namespace": o.Namespace},
			Message: fmt.Sprintf("nobody declares the namespace %q, so that nothing runs there; correct the name, or apply a Namespace of this name as well", o.Namespace),
		})
	}
	return out
}

// consequences are, of what is wrong after objects were applied, the findings on
// them, in the words of their manifests, and the errors and warnings on others
// that are new. What was told of the manifests already is left out.
func consequences(objects []*mesh.Object, manifests []Manifest, told, before, after []mesh.Finding) []mesh.Finding {
	applied := map[mesh.Ref]*mesh.Object{}
	for _, o := range objects {
		applied[o.Ref] = o
	}
	known := func(list []mesh.Finding, f mesh.Finding) bool {
		return slices.ContainsFunc(list, func(g mesh.Finding) bool { return g.Ref == f.Ref && g.Code == f.Code && g.Path == f.Path })
	}
	var out []mesh.Finding
	place := placing(objects, manifests)
	for _, f := range after {
		o := applied[f.Ref]
		if known(told, f) || o == nil && (known(before, f) || f.Severity == mesh.Info) {
			continue
		}
		place(&f)
		out = append(out, f)
	}
	return out
}

type editInput struct {
	ObjectPath
	IfMatch string `header:"If-Match" maxLength:"128"`
	Force   bool   `query:"force" doc:"Write even what would add errors to the mesh"`
	Body    struct {
		Edits []config.Edit `json:"edits" minItems:"1" maxItems:"200"`
	}
}

func (h *Handlers) edit(ctx context.Context, in *editInput) (*objectOutput, error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	o, err := h.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	if o.Text == nil {
		return nil, huma.NewError(http.StatusConflict, ref.String()+" is reported by the cluster, nobody wrote it; it cannot be edited")
	}
	if err := h.mayWrite(ctx, ref); err != nil {
		return nil, err
	}
	expect := o.Version
	if in.IfMatch != "" {
		expect = trimETag(in.IfMatch)
	}
	entry := preview.Entry{Ref: ref, ETag: expect, Edits: in.Body.Edits}
	if err := h.unlessStale(ctx, entry, o); err != nil {
		return nil, err
	}
	text, err := config.Splice(ctx, o.Text, in.Body.Edits...)
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	r := config.Decode(o.Origin.File, text)
	for _, f := range r.Problems {
		if f.Severity == mesh.Error {
			return nil, refuse("nothing was written", r.Problems)
		}
	}
	if len(r.Objects) != 1 || r.Objects[0].Ref != ref {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "the edit would make it another object than "+ref.String()+"; apply a new object and delete this one")
	}
	added, err := h.weigh(ctx, weighing{objects: r.Objects, force: in.Force})
	if err != nil {
		h.note(ctx, history.By{}, []mesh.Ref{ref}, "", false, nil, err)
		return nil, err
	}
	if err := h.write(ctx, []source.Change{{Ref: ref, Text: text, Expect: expect, From: o.Origin.From}}, in.Force, added); err != nil {
		return nil, err
	}
	return outputOf(objectOf(ctx, r.Objects[0], h.mesh.Findings())), nil
}

type deleteInput struct {
	ObjectPath
	IfMatch string `header:"If-Match" maxLength:"128"`
	Force   bool   `query:"force" doc:"Delete even what others need"`
}

func (h *Handlers) deleteObject(ctx context.Context, in *deleteInput) (*struct{}, error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	if err := h.mayWrite(ctx, ref); err != nil {
		return nil, err
	}
	o, err := h.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	expect := source.Any
	if in.IfMatch != "" {
		expect = trimETag(in.IfMatch)
	}
	if err := h.unlessStale(ctx, preview.Entry{Ref: ref, ETag: expect, Delete: true}, o); err != nil {
		return nil, err
	}
	added, err := h.weigh(ctx, weighing{removed: []mesh.Ref{ref}, force: in.Force})
	if err != nil {
		h.note(ctx, history.By{}, []mesh.Ref{ref}, "", false, nil, err)
		return nil, err
	}
	return nil, h.write(ctx, []source.Change{{Ref: ref, Expect: expect}}, in.Force, added)
}

type deletionsInput struct {
	Body struct {
		Objects       []mesh.Ref `json:"objects" minItems:"1" maxItems:"1000"`
		IgnoreMissing bool       `json:"ignoreMissing,omitempty" doc:"An object that is not there is no error"`
		Force         bool       `json:"force,omitempty" doc:"Delete even what others need"`
	}
}

type deletionsOutput struct {
	Body struct {
		Deleted []mesh.Ref `json:"deleted"`
		// Findings are what is wrong from now on with objects that stay.
		Findings []mesh.Finding `json:"findings"`
	}
}

// deleteObjects deletes objects together, all or none.
func (h *Handlers) deleteObjects(ctx context.Context, in *deletionsInput) (*deletionsOutput, error) {
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	out := &deletionsOutput{}
	out.Body.Deleted, out.Body.Findings = []mesh.Ref{}, []mesh.Finding{}
	var changes []source.Change
	for _, ref := range in.Body.Objects {
		if _, ok := present.Get(ref); !ok {
			if in.Body.IgnoreMissing {
				continue
			}
			return nil, notFound(ref.String())
		}
		if slices.Contains(out.Body.Deleted, ref) {
			continue
		}
		out.Body.Deleted = append(out.Body.Deleted, ref)
		changes = append(changes, source.Change{Ref: ref, Expect: source.Any})
	}
	if len(changes) == 0 {
		return out, nil
	}
	if err := h.mayWrite(ctx, out.Body.Deleted...); err != nil {
		return nil, err
	}
	added, err := h.weigh(ctx, weighing{removed: out.Body.Deleted, force: in.Body.Force})
	if err != nil {
		h.note(ctx, history.By{}, out.Body.Deleted, "", false, nil, err)
		return nil, err
	}
	if err := h.write(ctx, changes, in.Body.Force, added); err != nil {
		return nil, err
	}
	out.Body.Findings = told(append(out.Body.Findings, added...))
	return out, nil
}

// unlessStale refuses an entry whose object is not what it was made from.
func (h *Handlers) unlessStale(ctx context.Context, e preview.Entry, now *mesh.Object) error {
	if e.ETag == source.Any || e.ETag == now.Version {
		return nil
	}
	c, _, err := h.conflict(ctx, e, now)
	if err == nil {
		err = stale([]merge.Conflict{c})
	}
	h.note(ctx, history.By{}, []mesh.Ref{e.Ref}, "", false, nil, err)
	return problemOf(err)
}

func refsOf(objects []*mesh.Object) []mesh.Ref {
	out := make([]mesh.Ref, len(objects))
	for i, o := range objects {
		out[i] = o.Ref
	}
	return out
}

func trimETag(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
