package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// document is the API's own description.
type document struct {
	operations []operation
	schemas    huma.Registry
}

type operation struct {
	id, method string
	path       *regexp.Regexp
	answers    map[string]map[string]*huma.Schema // by status, or "default", and media type
}

const schemaPrefix = "#/components/schemas/"

// readDocument reads an OpenAPI document.
func readDocument(t *testing.T, text []byte) document {
	t.Helper()
	var in struct {
		Paths map[string]map[string]struct {
			OperationID string
			Responses   map[string]struct {
				Content map[string]struct{ Schema any }
			}
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatalf("the OpenAPI document: %v", err)
	}
	d := document{schemas: huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)}
	for name, raw := range in.Components.Schemas {
		d.schemas.Map()[name] = schemaOf(t, raw)
	}
	for _, s := range d.schemas.Map() {
		s.PrecomputeMessages()
	}
	parameter := regexp.MustCompile(`\\\{[^}]*\\\}`)
	for path, methods := range in.Paths {
		for method, op := range methods {
			o := operation{id: op.OperationID, method: strings.ToUpper(method), answers: map[string]map[string]*huma.Schema{}}
			o.path = regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
			for status, r := range op.Responses {
				o.answers[status] = map[string]*huma.Schema{}
				for media, c := range r.Content {
					s := schemaOf(t, c.Schema)
					s.PrecomputeMessages()
					o.answers[status][media] = s
				}
			}
			d.operations = append(d.operations, o)
		}
	}
	// Of /traces/services and /traces/{id}, the one without parameters is meant.
	slices.SortFunc(d.operations, func(a, b operation) int {
		return strings.Count(a.path.String(), "[^/]+") - strings.Count(b.path.String(), "[^/]+")
	})
	return d
}

// schemaOf reads a schema as the API's own library understands it.
func schemaOf(t *testing.T, raw any) *huma.Schema {
	t.Helper()
	in, ok := raw.(map[string]any)
	if !ok {
		t.Fatalf("no schema: %v", raw)
	}
	s := &huma.Schema{Nullable: false}
	for name, v := range in {
		switch name {
		case "$ref":
			s.Ref = v.(string)
		case "type":
			if several, ok := v.([]any); ok {
				s.Nullable = slices.Contains(several, any("null"))
				v = several[slices.IndexFunc(several, func(one any) bool { return one != "null" })]
			}
			s.Type = v.(string)
		case "format":
			s.Format = v.(string)
		case "enum":
			s.Enum = v.([]any)
		case "required":
			for _, one := range v.([]any) {
				s.Required = append(s.Required, one.(string))
			}
		case "properties":
			s.Properties = map[string]*huma.Schema{}
			for field, one := range v.(map[string]any) {
				s.Properties[field] = schemaOf(t, one)
			}
		case "items":
			s.Items = schemaOf(t, v)
		case "additionalProperties":
			s.AdditionalProperties = v
			if values, ok := v.(map[string]any); ok {
				s.AdditionalProperties = schemaOf(t, values)
			}
		case "minimum", "minLength", "maxLength", "minItems", "maxItems", "pattern":
			bound(t, s, name, v)
		case "description", "examples", "default", "contentEncoding", "readOnly", "title":
		default:
			t.Fatalf("schemas with %q are not understood: teach schemaOf", name)
		}
	}
	return s
}

// bound reads a keyword that bounds a value.
func bound(t *testing.T, s *huma.Schema, name string, v any) {
	t.Helper()
	text, isText := v.(string)
	number, isNumber := v.(float64)
	if !isText && !isNumber {
		t.Fatalf("%s is %v", name, v)
	}
	whole := int(number)
	switch name {
	case "minimum":
		s.Minimum = &number
	case "minLength":
		s.MinLength = &whole
	case "maxLength":
		s.MaxLength = &whole
	case "minItems":
		s.MinItems = &whole
	case "maxItems":
		s.MaxItems = &whole
	case "pattern":
		s.Pattern = text
	}
}

// check finds the operation that a fixture belongs to, and says in what its answer
// is none of those that the document knows.
func (d document) check(f fixture) (id string, problems []string) {
	path, _, _ := strings.Cut(f.Request.Path, "?")
	i := slices.IndexFunc(d.operations, func(o operation) bool { return o.method == f.Request.Method && o.path.MatchString(path) })
	if i < 0 {
		return "", []string{f.Request.Method + " " + path + " is not in it"}
	}
	o := d.operations[i]
	answers, ok := o.answers[strconv.Itoa(f.Status)]
	if !ok && f.Status >= 300 {
		answers, ok = o.answers["default"]
	}
	media, _, _ := strings.Cut(f.Headers["Content-Type"], ";")
	switch {
	case !ok:
		return o.id, []string{fmt.Sprintf("status %d is not in it", f.Status)}
	case f.Body == nil && media == "":
		return o.id, nil
	case answers[media] == nil:
		return o.id, []string{fmt.Sprintf("status %d has no %s in it", f.Status, media)}
	}
	// The library reads numbers as Go's JSON does.
	var body any
	text, err := json.Marshal(f.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	if err != nil {
		return o.id, []string{err.Error()}
	}
	result := &huma.ValidateResult{}
	huma.Validate(d.schemas, answers[media], huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, body, result)
	for _, e := range result.Errors {
		problems = append(problems, e.Error())
	}
	return o.id, problems
}
