package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

// A value of another type comes with what would be right, where that can be told.
func TestNearValues(t *testing.T) {
	const document = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
spec:
  hosts: HOSTS
  http:
    - match:
        - headers:
            cart:
              exact: EXACT
          ignoreUriCase: CASE
      route:
        - destination:
            host: cart
            port: {number: PORT}
          weight: WEIGHT
      timeout: TIMEOUT
`
	right := map[string]string{"HOSTS": "[shop]", "EXACT": "full", "CASE": "true", "PORT": "80", "WEIGHT": "1", "TIMEOUT": "1s"}
	for _, tc := range []struct{ field, wrong, found, near string }{
		{"WEIGHT", `"90"`, `"90"`, "90"},
		{"PORT", "'80'", "'80'", "80"},
		{"WEIGHT", "ninety", "", ""},
		{"WEIGHT", "1.5", "", ""},
		{"WEIGHT", "[1]", "", ""},
		{"TIMEOUT", "5", "5", "5s"},
		{"TIMEOUT", "1.5", "1.5", "1.5s"},
		{"TIMEOUT", "-5", "", ""},
		{"TIMEOUT", "soon", "", ""},
		{"EXACT", "true", "true", `"true"`},
		{"EXACT", "0x1F", "0x1F", `"0x1F"`},
		{"EXACT", "[a]", "", ""},
		{"CASE", `"True"`, `"True"`, "true"},
		{"CASE", "1", "", ""},
		{"HOSTS", "shop", "shop", "[shop]"},
		{"HOSTS", `"*"`, `"*"`, `["*"]`},
		{"HOSTS", "a, b", "", ""},
		{"HOSTS", "{a: b}", "", ""},
	} {
		text := document
		for field, value := range right {
			if field == tc.field {
				value = tc.wrong
			}
			text = strings.Replace(text, field, value, 1)
		}
		problems := Decode("shop.yaml", []byte(text)).Problems
		var got []map[string]string
		for _, p := range problems {
			if p.Code == mesh.CodeSchema {
				got = append(got, p.Params)
			}
		}
		var want map[string]string
		if tc.near != "" {
			want = map[string]string{ParamFound: tc.found, ParamNear: tc.near}
		}
		if diff := cmp.Diff([]map[string]string{want}, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s\n%+v", tc.field, tc.wrong, diff, problems)
		}
	}
}
