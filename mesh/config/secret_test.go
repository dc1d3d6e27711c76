package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// What is wrong with a Secret is told without what stands in it, also where that
// was written without quotes and is no text then.
func TestFindingsAboutSecretsDoNotQuoteThem(t *testing.T) {
	const secret = "86420975"
	for _, broken := range []string{
		"stringData: {key: 86420975}", "stringData: {key: 8.6420975}", "stringData: {key: 0x86420975}", "stringData: {key: !!int w86420975}",
		"stringData: {key: *86420975}", "stringData: {key: [86420975]}", "stringData: 86420975", "stringData: {<<: 86420975}",
		"data: {key: 86420975}", "data: {key: not-86420975}", "data: [86420975]", "type: 86420975", "immutable: 86420975",
		"stringData:\n  key: @86420975", "stringData:\n  key: \"86420975", "stringData:\n  key: 86420975: b",
	} {
		text := "apiVersion: v1\nkind: Secret\nmetadata: {name: stars}\n" + broken + "\n"
		problems := config.Options{Checks: true}.Decode("a.yaml", []byte(text)).Problems
		if len(problems) == 0 {
			t.Errorf("nothing is wrong with %q", broken)
		}
		for _, f := range problems {
			said, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if f.Ref.Kind != mesh.KindSecret || f.Line != 4 && f.Line != 5 {
				t.Errorf("%q: %s", broken, said)
			}
			if plain := strings.ReplaceAll(string(said), ".", ""); strings.Contains(plain, secret) {
				t.Errorf("a finding about %q tells it: %s", broken, said)
			}
		}
	}
}
