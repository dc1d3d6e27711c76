package contract

import "strings"

// people are the users besides the administrator.
var people = []string{
	`{"name":"olga","role":"operator","password":"` + password + `"}`,
	`{"name":"victor","role":"viewer","password":"` + password + `"}`,
}

// Texts that are written.
const (
	subsets = `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: reviews, namespace: default}\nspec:\n  host: reviews\n  subsets:\n  - {name: v1, labels: {version: v1}}\n  - {name: v2, labels: {version: v2}}\n`
	route   = `# who sees stars\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews, namespace: default}\nspec:\n  hosts: [reviews]\n  http:\n  - route: # shares\n    - destination: {host: reviews, subset: v1}\n      weight: 100 # all\n    - destination: {host: reviews, subset: v2}\n      weight: 0\n`

	toV3 = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews, namespace: default}\nspec:\n  hosts: [reviews]\n  http:\n  - route:\n    - destination: {host: reviews, subset: v3}\n`

	reviewsRoute = `{"group":"networking.istio.io","kind":"VirtualService","namespace":"default","name":"reviews"}`
	reviewsRule  = `{"group":"networking.istio.io","kind":"DestinationRule","namespace":"default","name":"reviews"}`
)

// scenarios is the literal table: what the console asks, in an order in which
// each finds what those before it have written.
var scenarios = []scenario{
	// Who is there.
	{name: "session-wrong", request: "POST /api/v1/session", body: `{"username":"mallory","password":"a guess"}`},
	{name: "session-throttled", request: "POST /api/v1/session", until: []string{"throttled"}, body: `{"username":"mallory","password":"a guess"}`},
	{name: "session-right", request: "POST /api/v1/session", body: `{"username":"olga","password":"` + password + `"}`},
	{name: "session-incomplete", request: "POST /api/v1/session", body: `{"username":"olga"}`},
	{name: "session-cross-origin", request: "POST /api/v1/session", headers: map[string]string{"Origin": "http://127.0.0.1:8080"}, body: `{"username":"olga","password":"` + password + `"}`},
	{name: "session-nobody", request: "GET /api/v1/session"},
	{name: "session-viewer", as: "victor", request: "GET /api/v1/session"},
	{name: "session-operator", as: "olga", request: "GET /api/v1/session"},
	{name: "session-admin", as: "admin", request: "GET /api/v1/session"},
	{name: "session-password-wrong", as: "victor", request: "POST /api/v1/session/password", body: `{"old":"a guess","new":"another good one"}`},
	{name: "session-renewed", as: "victor", request: "POST /api/v1/session/renew"},

	{name: "user-added", as: "admin", request: "POST /api/v1/users", body: `{"name":"ada","role":"viewer","password":"` + password + `"}`},
	{name: "user-exists", as: "admin", request: "POST /api/v1/users", body: `{"name":"ada","role":"viewer","password":"` + password + `"}`},
	{name: "user-bad-role", as: "admin", request: "POST /api/v1/users", body: `{"name":"bob","role":"king","password":"` + password + `"}`},
	{name: "user-changed", as: "admin", request: "PATCH /api/v1/users/ada", body: `{"role":"operator"}`},
	{name: "user-last-admin", as: "admin", request: "PATCH /api/v1/users/admin", body: `{"role":"viewer"}`},
	{name: "users", as: "admin", request: "GET /api/v1/users"},
	{name: "users-refused", as: "olga", request: "GET /api/v1/users"},
	{name: "user-removed", as: "admin", request: "DELETE /api/v1/users/ada"},

	{name: "token-created", as: "olga", request: "POST /api/v1/tokens", body: `{"name":"ci","role":"viewer","expires":"24h"}`, keep: map[string]string{"token": "token", "token-id": "id"}},
	{name: "token-too-much", as: "olga", request: "POST /api/v1/tokens", body: `{"name":"ci","role":"admin"}`},
	{name: "tokens", as: "olga", request: "GET /api/v1/tokens"},
	{name: "token-used", as: "token", request: "GET /api/v1/session"},
	{name: "token-revoked", as: "olga", request: "DELETE /api/v1/tokens/${token-id}"},
	{name: "audit", as: "admin", request: "GET /api/v1/audit?limit=3"},

	// What there is.
	{name: "version", as: "victor", request: "GET /api/v1/version"},
	{name: "services", as: "victor", request: "GET /api/v1/services"},
	{name: "service", as: "victor", request: "GET /api/v1/services/default/reviews"},
	{name: "service-missing", as: "victor", request: "GET /api/v1/services/default/nobody"},
	{name: "workloads", as: "victor", request: "GET /api/v1/workloads"},
	{name: "kinds", as: "victor", request: "GET /api/v1/kinds"},
	{name: "schema", as: "victor", request: "GET /api/v1/schemas/PeerAuthentication"},
	{name: "graph", as: "victor", request: "GET /api/v1/graph?type=service&window=1m", until: []string{`"state":"failing"`}},
	{name: "try", as: "victor", request: "POST /api/v1/try", body: `{"method":"GET","url":"http://reviews:9080/","from":"productpage-v1-0"}`},
	{name: "explain", as: "victor", request: "POST /api/v1/explain", body: `{"method":"GET","url":"http://reviews:9080/","from":"productpage-v1-0"}`},
	{name: "proxies", as: "victor", request: "GET /api/v1/proxies"},
	{name: "proxy-away", as: "victor", request: "GET /api/v1/proxies/productpage-v1-0/config/routes"},
	{name: "proxy-log-level-refused", as: "olga", request: "PUT /api/v1/proxies/productpage-v1-0/log-level", body: `{"level":"debug"}`},
	{name: "proxy-log-level-away", as: "victor", request: "GET /api/v1/proxies/productpage-v1-0/log-level"},
	{name: "pod-logs-missing", as: "victor", request: "GET /api/v1/pods/default/nobody/logs"},

	// A change: seen before, written, refused, undone.
	{name: "change-refused", as: "victor", request: "PUT /api/v1/changes", body: `{"entries":[{"ref":` + reviewsRule + `,"yaml":"` + subsets + `"}]}`},
	{name: "change-admin-only", as: "olga", request: "PUT /api/v1/changes", body: `{"entries":[{"ref":{"group":"security.istio.io","kind":"PeerAuthentication","namespace":"default","name":"all"},"yaml":"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: all, namespace: default}\nspec: {mtls: {mode: STRICT}}\n"}]}`},
	{name: "change-empty", as: "olga", request: "PUT /api/v1/changes", body: `{"entries":[]}`},
	{name: "change-bad-field", as: "olga", request: "PUT /api/v1/changes", body: `{"entries":[{"ref":` + reviewsRule + `,"etag":"*","edits":[{"op":"turn","path":"spec.host","value":"x"}]}]}`},
	{name: "preview-created", as: "olga", request: "POST /api/v1/preview", body: `{"entries":[{"ref":` + reviewsRule + `,"yaml":"` + subsets + `"},{"ref":` + reviewsRoute + `,"yaml":"` + route + `"}]}`},
	{name: "change-created", as: "olga", request: "PUT /api/v1/changes", body: `{"note":"stars for nobody","entries":[{"ref":` + reviewsRule + `,"yaml":"` + subsets + `"},{"ref":` + reviewsRoute + `,"yaml":"` + route + `"}]}`},
	{name: "object", as: "victor", request: "GET /api/v1/config/VirtualService/default/reviews", until: []string{"who sees stars"}, keep: map[string]string{"route": "ETag"}},
	{name: "object-unchanged", as: "victor", request: "GET /api/v1/config/VirtualService/default/reviews", headers: map[string]string{"If-None-Match": `"${route}"`}},
	{name: "object-missing", as: "victor", request: "GET /api/v1/config/VirtualService/default/nobody"},
	{name: "objects", as: "victor", request: "GET /api/v1/config/DestinationRule"},
	{name: "change-in-the-way", as: "olga", request: "PUT /api/v1/changes", body: `{"entries":[{"ref":` + reviewsRoute + `,"etag":"0000000000000000000000000000000000000000000000000000000000000000","edits":[{"op":"set","path":"spec.http[0].timeout","value":"2s"}]}]}`},
	{name: "change-unknown-host", as: "olga", request: "PUT /api/v1/changes", body: `{"entries":[{"ref":` + reviewsRoute + `,"etag":"${route}","edits":[{"op":"set","path":"spec.http[0].route[0].destination.host","value":"reviewz"}]}]}`},
	{name: "preview-unknown-host", as: "olga", request: "POST /api/v1/preview", body: `{"entries":[{"ref":` + reviewsRoute + `,"etag":"${route}","edits":[{"op":"set","path":"spec.http[0].route[0].destination.host","value":"reviewz"}]}]}`},

	// The canary slider.
	{name: "split", as: "olga", request: "GET /api/v1/services/default/reviews/split", until: []string{"default/reviews/http[0]"}},
	{name: "split-one-version", as: "olga", request: "GET /api/v1/services/default/details/split"},
	{name: "split-weights", as: "olga", request: "POST /api/v1/services/default/reviews/split", body: `{"candidate":"default/reviews/http[0]","weights":{"v1":70,"v2":30}}`},
	{name: "split-bad-weights", as: "olga", request: "POST /api/v1/services/default/reviews/split", body: `{"candidate":"default/reviews/http[0]","weights":{"v1":70,"v2":31}}`},
	{name: "preview-weights", as: "victor", request: "POST /api/v1/preview", body: weights, keep: map[string]string{"group": "groups.0.id"}},
	{name: "preview-envoy", as: "victor", request: "POST /api/v1/preview/envoy", body: weightsOf("${group}")},
	{name: "preview-envoy-gone", as: "victor", request: "POST /api/v1/preview/envoy", body: weightsOf("gone")},
	{name: "try-change", as: "victor", request: "POST /api/v1/try", body: strings.Replace(weights, "{", `{"method":"GET","url":"http://reviews:9080/","from":"productpage-v1-0",`, 1)},
	{name: "change-weights", as: "olga", request: "PUT /api/v1/changes", body: weights, keep: map[string]string{"change": "change.id"}},
	{name: "change", as: "victor", request: "GET /api/v1/changes/${change}"},
	{name: "change-undone", as: "olga", request: "POST /api/v1/changes/${change}/undo", body: `{}`},
	{name: "change-undone-twice", as: "olga", request: "POST /api/v1/changes/${change}/undo", body: `{}`},
	{name: "changes", as: "victor", request: "GET /api/v1/changes?limit=2"},
	{name: "object-history", as: "victor", request: "GET /api/v1/objects/VirtualService/default/reviews/history"},
	{name: "service-settings", as: "victor", request: "GET /api/v1/services/default/reviews/settings", until: []string{"v1 100, v2 0"}},

	// What programs ask for instead.
	{name: "apply-dry-run", as: "olga", request: "POST /api/v1/config", body: `{"dryRun":true,"manifests":[` + weather + `]}`},
	{name: "apply-dry-run-owner", as: "admin", request: "POST /api/v1/config", body: `{"dryRun":true,"manifests":[{"file":"a.yaml","text":"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n"}]}`},
	{name: "apply", as: "olga", request: "POST /api/v1/config", body: `{"manifests":[` + weather + `,{"file":"details.yaml","text":"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: details, namespace: default}\nspec: {host: details}\n"}]}`},
	{name: "edit-object", as: "olga", request: "PATCH /api/v1/config/ServiceEntry/default/weather", body: `{"edits":[{"op":"set","path":"spec.location","value":"MESH_EXTERNAL"}]}`, keep: map[string]string{"weather": "ETag"}},
	{name: "edit-object-stale", as: "olga", request: "PATCH /api/v1/config/ServiceEntry/default/weather", headers: stale, body: `{"edits":[{"op":"set","path":"spec.location","value":"MESH_INTERNAL"}]}`},
	{name: "delete-object-stale", as: "olga", request: "DELETE /api/v1/config/ServiceEntry/default/weather", headers: stale},
	{name: "delete-object", as: "olga", request: "DELETE /api/v1/config/ServiceEntry/default/weather", headers: map[string]string{"If-Match": `"${weather}"`}},
	{name: "delete-objects", as: "olga", request: "POST /api/v1/deletions", body: `{"objects":[{"group":"networking.istio.io","kind":"DestinationRule","namespace":"default","name":"details"}]}`},
	{name: "merge", as: "victor", request: "POST /api/v1/merge", body: `{"base":"a\nb\nc\n","theirs":"a\nB\nc\n","mine":"a\nb\nc\nd\n"}`},
	{name: "merge-conflict", as: "victor", request: "POST /api/v1/merge", body: `{"base":"a\nb\n","theirs":"a\nB\n","mine":"a\nc\n"}`},

	// What is wrong.
	{name: "check", as: "victor", request: "POST /api/v1/check", body: `{"live":true,"manifests":[{"file":"route.yaml","text":"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: details, namespace: default}\nspec:\n  hosts: [details]\n  http:\n  - route:\n    - destination: {host: detail}\n    tiemout: 2s\n"}]}`},
	{name: "check-elsewhere", as: "victor", request: "POST /api/v1/check", body: `{"live":true,"manifests":[{"file":"route.yaml","text":"` + toV3 + `"}]}`},
	{name: "fixes", as: "victor", request: "POST /api/v1/fixes", body: `{"live":true,"manifests":[{"file":"route.yaml","text":"` + toV3 + `"}],"code":"HDL2104","ref":` + reviewsRoute + `,"path":"spec.http[0].route[0].destination.subset"}`},
	{name: "fixes-gone", as: "victor", request: "POST /api/v1/fixes", body: `{"code":"HDL2104","ref":` + reviewsRoute + `,"path":"spec.http[0].route[0].destination.subset"}`},
	{name: "fixes-nothing", as: "victor", request: "POST /api/v1/fixes", body: `{}`},
	{name: "check-no-manifest", as: "victor", request: "POST /api/v1/check", body: `{"live":true}`},
	{name: "change-forced", as: "olga", request: "PUT /api/v1/changes", body: `{"force":true,"entries":[{"ref":{"group":"networking.istio.io","kind":"VirtualService","namespace":"default","name":"lost"},"yaml":"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: lost, namespace: default}\nspec:\n  hosts: [details]\n  http:\n  - route:\n    - destination: {host: nobody}\n"}]}`},
	{name: "findings", as: "victor", request: "GET /api/v1/findings", until: []string{"HDL0011", "HDL2101"}},

	// What happened.
	{name: "series", as: "victor", request: "GET /api/v1/series?kind=service&namespace=default&name=reviews&byVersion=true&range=5m&step=1m&end=${end}", apart: true},
	{name: "series-bad-step", as: "victor", request: "GET /api/v1/series?kind=mesh&range=1h&step=1ms"},
	{name: "timeline", as: "victor", request: "GET /api/v1/timeline?bars=5&step=30s", apart: true},
	{name: "traces", as: "victor", request: "GET /api/v1/traces?service=reviews.default&brief=true", until: []string{traceID}, apart: true},
	{name: "trace", as: "victor", request: "GET /api/v1/traces/" + traceID, apart: true},
	{name: "trace-services", as: "victor", request: "GET /api/v1/traces/services", until: []string{"reviews.default"}},
	{name: "traces-bad-limit", as: "victor", request: "GET /api/v1/traces?limit=0"},
	{name: "session-ended", as: "olga", request: "DELETE /api/v1/session"},
}

const weights = `{"entries":[{"ref":` + reviewsRoute + `,"etag":"${route}","edits":[{"op":"set","path":"spec.http[0].route[0].weight","value":"70"},{"op":"set","path":"spec.http[0].route[1].weight","value":"30"}]}]}`

// weightsOf asks for what the weights do to a group of proxies.
func weightsOf(group string) string {
	return strings.Replace(weights, "{", `{"group":"`+group+`",`, 1)
}

// weather is a manifest.
const weather = `{"file":"weather.yaml","text":"# from outside\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: weather, namespace: default}\nspec:\n  hosts: [weather.example.com]\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  resolution: DNS\n"}`

// stale is of a version that an object never had.
var stale = map[string]string{"If-Match": `"0000000000000000000000000000000000000000000000000000000000000000"`}
