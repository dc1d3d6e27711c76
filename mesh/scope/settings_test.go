package scope_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

const reviewRules = `
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  gateways: [mesh, edge]
  http:
  - match: [{sourceLabels: {team: a}}]
    route: [{destination: {host: reviews, subset: v1}}]
  - match: [{headers: {end-user: {exact: jason}}, uri: {prefix: /api}}, {method: {regex: P.*}}]
    fault: {delay: {fixedDelay: 2s, percentage: {value: 50}}, abort: {httpStatus: 503, percentage: {value: 10}}}
    route: [{destination: {host: reviews, subset: v2}}]
    timeout: 1.5s
    retries: {attempts: 3, perTryTimeout: 200ms, retryOn: 5xx}
  - match: [{gateways: [edge]}]
    redirect: {authority: other.example}
  - route:
    - {destination: {host: reviews, subset: v1}, weight: 90}
    - {destination: {host: reviews, subset: v2}, weight: 10}
    mirror: {host: shadow}
    mirrorPercentage: {value: 5}
    rewrite: {uri: /v2}
    headers: {request: {set: {x-a: b}, remove: [x-c]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2, track: new}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
`

func settingsOf(t *testing.T, yaml string, a scope.Asker) []string {
	t.Helper()
	snap := meshtest.Seal(t, meshtest.Snapshot(t, yaml))
	svc, ok := snap.Services.Get("reviews.shop.svc.cluster.local")
	if !ok {
		t.Fatal("no service")
	}
	var list []string
	for _, s := range scope.For(snap, a).Settings(svc) {
		list = append(list, fmt.Sprintf("%s(%s) %s: %s %v %s", s.Rule, s.Match, s.Name, s.Value, s.From, s.Path))
	}
	return list
}

func TestSettingsSayWhoDecidedThem(t *testing.T) {
	const vs, dr = "[VirtualService shop/reviews]", "[DestinationRule shop/reviews]"
	const match = "path /api*, header end-user = jason or method ~ P.*"
	want := []string{
		"http[1](" + match + ") split: v2 100 " + vs + " spec.http[1].route",
		"http[1](" + match + ") timeout: 1.5s " + vs + " spec.http[1].timeout",
		"http[1](" + match + ") retries: 3 × 200ms on 5xx " + vs + " spec.http[1].retries",
		"http[1](" + match + ") fault: delay 2s for 50 %, abort 503 for 10 % " + vs + " spec.http[1].fault",
		"http[3]() split: v1 90, v2 10 " + vs + " spec.http[3].route",
		"http[3]() timeout: none [] ",
		"http[3]() retries: default [] ",
		"http[3]() mirror: shadow 5 % " + vs + " spec.http[3].mirror",
		"http[3]() rewrite: /v2 " + vs + " spec.http[3].rewrite",
		"http[3]() headers: request x-a = b, request − x-c " + vs + " spec.http[3].headers",
		"() loadBalancer: ROUND_ROBIN " + dr + " spec.trafficPolicy.loadBalancer",
		"() tls: mutual [] ",
		"() subset v1: version=v1 " + dr + " spec.subsets[0]",
		"() subset v2: track=new, version=v2 " + dr + " spec.subsets[1]",
		"() loadBalancer of subset v2: RANDOM " + dr + " spec.subsets[1].trafficPolicy.loadBalancer",
	}
	if diff := cmp.Diff(want, settingsOf(t, reviewRules, scope.Asker{Namespace: "client"})); diff != "" {
		t.Error(diff)
	}
	ofTeam := settingsOf(t, reviewRules, scope.Asker{Namespace: "client", Labels: map[string]string{"team": "a"}})
	if ofTeam[0] != "http[0](from team=a) split: v1 100 "+vs+" spec.http[0].route" {
		t.Errorf("a caller that is selected has %s", ofTeam[0])
	}
}

func TestSettingsOfNobody(t *testing.T) {
	want := []string{
		"() split: reviews 100 [] ", "() timeout: none [] ", "() retries: default [] ",
		"() loadBalancer: LEAST_REQUEST [] ", "() tls: mutual [] ",
	}
	const alone = "\napiVersion: v1\nkind: Service\nmetadata: {name: reviews, namespace: shop}\nspec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}\n"
	if diff := cmp.Diff(want, settingsOf(t, alone, scope.Asker{Namespace: "client"})); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsOfAGateway(t *testing.T) {
	yaml := reviewRules + `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {selector: {istio: edge}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`
	list := settingsOf(t, yaml, scope.Asker{Namespace: "shop", Gateway: true, Labels: map[string]string{"istio": "edge"}})
	if len(list) == 0 || list[0][:len("http[1]")] != "http[1]" {
		t.Errorf("a gateway has %v", list)
	}
	if none := settingsOf(t, reviewRules, scope.Asker{Namespace: "shop", Gateway: true}); none[0] != "() split: reviews 100 [] " {
		t.Errorf("a gateway that nothing is bound to has %v", none)
	}
}
