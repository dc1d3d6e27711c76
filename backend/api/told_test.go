package api

import (
	"reflect"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestToldIsBounded(t *testing.T) {
	found := func(severity mesh.Severity, n int) []mesh.Finding {
		out := make([]mesh.Finding, n)
		for i := range out {
			out[i] = mesh.Finding{Code: "HDL2109", Severity: severity, Params: map[string]string{"others": "a, b"}}
		}
		return out
	}
	if few := found(mesh.Info, maxTold); !reflect.DeepEqual(told(few), few) {
		t.Error("not all of a few findings are told")
	}
	many := append(found(mesh.Info, 150_000), found(mesh.Error, maxTold-1)...)
	list := told(many)
	if len(list) != maxTold+1 || list[0].Severity != mesh.Error || list[maxTold-2].Severity != mesh.Error || list[maxTold-1].Severity != mesh.Info {
		t.Fatalf("%d are told, and not the worst", len(list))
	}
	if last := list[maxTold]; !strings.Contains(last.Message, "149999 findings more") || last.Params != nil {
		t.Errorf("the others are told as %+v", last)
	}
	if many[0].Severity != mesh.Info {
		t.Error("the list itself was changed")
	}
}
