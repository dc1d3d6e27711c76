package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/mesh"
)

// Page asks for a part of a list. It is exported for huma, which fills in only
// embedded structs that are.
type Page struct {
	Limit int    `query:"limit" minimum:"0" maximum:"1000" default:"0" doc:"Only so many; all when 0. The header Link then says where the list goes on"`
	After string `query:"after" maxLength:"32768" doc:"Only what comes after the page before: from its Link"`
}

// cut gives the page of a list, which must be sorted, and the Link to the one
// behind it; "" at the end. The page begins after the key that the page before
// ended with, whether or not that is still there, so that nothing is missed or
// told twice because something else came or went.
func cut[T, K any](p Page, path string, query url.Values, list []T, key func(T) K, compare func(T, K) int) ([]T, string, error) {
	if p.After != "" {
		var after K
		text, err := base64.RawURLEncoding.DecodeString(p.After)
		if err == nil {
			err = json.Unmarshal(text, &after)
		}
		if err != nil {
			return nil, "", huma.NewError(http.StatusUnprocessableEntity, "after is not from the Link of a page; ask for the first page without it")
		}
		from := slices.IndexFunc(list, func(one T) bool { return compare(one, after) > 0 })
		if from < 0 {
			from = len(list)
		}
		list = list[from:]
	}
	if p.Limit == 0 || len(list) <= p.Limit {
		return list, "", nil
	}
	list = list[:p.Limit]
	last, err := json.Marshal(key(list[p.Limit-1]))
	if err != nil {
		return nil, "", err
	}
	for name, values := range query {
		if len(values) == 0 || values[0] == "" {
			delete(query, name)
		}
	}
	query.Set("limit", strconv.Itoa(p.Limit))
	query.Set("after", base64.RawURLEncoding.EncodeToString(last))
	return list, "<" + path + "?" + query.Encode() + `>; rel="next"`, nil
}

// keyOf is where a finding stands among the pages. What it says is in it as a
// digest: the words of one finding may be longer than an address can be.
func keyOf(f mesh.Finding) mesh.Finding {
	key := placeOf(f)
	key.Message = digestOf(f)
	return key
}

// comparePlaces orders findings as pages have them; digest is that of the other.
func comparePlaces(f, other mesh.Finding, digest func() string) int {
	if c := mesh.CompareFindings(placeOf(f), placeOf(other)); c != 0 {
		return c
	}
	return strings.Compare(digestOf(f), digest())
}

// placeOf is what is short of a finding.
func placeOf(f mesh.Finding) mesh.Finding {
	return mesh.Finding{Ref: f.Ref, File: f.File, Line: f.Line, Column: f.Column, Code: f.Code}
}

func digestOf(f mesh.Finding) string {
	f.Fix, f.Unsought = nil, false // they are of no order
	text, err := json.Marshal(f)
	if err != nil { // it is text and numbers
		panic(err)
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:16])
}
