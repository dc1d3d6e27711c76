package api

import (
	"slices"
	"strings"
	"testing"
)

// A value of another type is put right by one replacement, with its quotes.
func TestCheckRetypes(t *testing.T) {
	text := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: default}\n" +
		"spec: {hosts: cart, http: [{timeout: 5, route: [{destination: {host: cart}, weight: '100'}]}]}\n"
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	answer := askCheck(t, h, true, Manifest{File: "a.yaml", Text: text})
	for _, f := range slices.Backward(answer.Findings) { // from the end, so that offsets stay true
		for _, s := range f.Splices {
			text = applySplice(text, s)
		}
	}
	if !strings.HasSuffix(text, "spec: {hosts: [cart], http: [{timeout: 5s, route: [{destination: {host: cart}, weight: 100}]}]}\n") {
		t.Errorf("became %s of %+v", text, answer.Findings)
	}
}

// A host or subset that is nearly right is put right by one click.
func TestCheckKnowsWhatIsNear(t *testing.T) {
	rule := "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: cart, namespace: default}\nspec: {host: cart, subsets: [{name: stable, labels: {}}]}\n"
	text := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: default}\n" +
		"spec: {hosts: [cart], http: [{match: [{uri: {exact: /a}}], route: [{destination: {host: crt}}]}, {route: [{destination: {host: cart, subset: \"stabel\"}}]}]}\n"
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	answer := askCheck(t, h, true, Manifest{File: "a.yaml", Text: text + rule})
	for _, f := range slices.Backward(answer.Findings) {
		if f.Code != "HDL2101" && f.Code != "HDL2104" {
			continue
		}
		if f.Params["near"] == "" || !strings.Contains(f.Message, f.Params["near"]) {
			t.Errorf("%s %s does not say what is near: %s", f.Code, f.Path, f.Message)
		}
		for _, s := range f.Splices {
			text = applySplice(text, s)
		}
	}
	if !strings.HasSuffix(text, "{host: cart}}]}, {route: [{destination: {host: cart, subset: stable}}]}]}\n") {
		t.Errorf("became %s of %+v", text, answer.Findings)
	}
}
