package config_test

import (
	"fmt"
	"testing"

	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestItems(t *testing.T) {
	for document, want := range map[string]string{
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n- 7\n- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n": "[Service default/a   Namespace b] true",
		`{"apiVersion": "v1", "kind": "List", "items": []}`: "[] true",
		"apiVersion: v1\nkind: List\n":                      "[] true",
		"apiVersion: v1\nkind: Service\nitems: []\n":        "[] false",
		"apiVersion: v1\nkind: List\nitems: [\n":            "[] false",
		"# nothing\n":                                       "[] false",
	} {
		items, ok := config.Items([]byte(document))
		if got := fmt.Sprint(items, ok); got != want {
			t.Errorf("%q: %s, want %s", document, got, want)
		}
	}
}
